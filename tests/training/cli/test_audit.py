"""The command that answers for the past: who was champion, what was said, what happened."""

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from features.domain.audit_event import AuditEvent
from features.domain.labels import LabelRecord, LabelSource
from features.domain.predictions import PredictionRecord
from features.home import Home
from features.store.store import Store, open_store
from models.artifacts.mlflow_client import connect
from models.artifacts.registry import CHAMPION
from training.cli.app import app

GAIN = {"metric": "accuracy", "incidents": 2013, "groups": 1990}
GAIN |= {"value": 0.021, "low": 0.008, "high": 0.034}


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def crown(
    day: int, version: str, action: str = "promote", actor: str = "Ana", **told
) -> AuditEvent:
    return AuditEvent(at(day), actor, action, "category", version, f"reason of day {day}", told)


def said(day: int, label: str, version: str, share: float | None = None) -> PredictionRecord:
    return PredictionRecord(
        *(f"p-{day}", "r", "INC0012345", "category", version, label, 0.934, "auto", "auto"),
        *({"label": label}, at(day), share),
    )


@pytest.fixture
def home(home: Home, three_versions: Home, empty_store: Path, monkeypatch) -> Home:
    """A home whose registry has version 1 of category for a champion."""
    shutil.copy(three_versions.root / "mlflow.db", home.root)
    shutil.copy(empty_store, home.root / "precedent.db")
    name = "default.category"
    connect(home.tracking_uri).set_registered_model_alias(name, CHAMPION, "1")
    monkeypatch.setenv("PRECEDENT_HOME", str(home.root))
    return home


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    with open_store(home.database_url) as opened:
        yield opened


@pytest.fixture
def past(store: Store) -> Store:
    """A March in which version 2 was champion from the 3rd to the 5th, refused by the gate."""
    refusal = crown(
        2, "2", "refuse", "training", data_sha256="ab" * 32, figures={"version 1": GAIN}
    )
    crowned = (crown(1, "1"), refusal, crown(3, "2"), crown(5, "1", "rollback", "Ben"))
    for event in crowned:
        store.audit_log.append(event)
    store.predictions.record([said(2, "VPN", "1"), said(4, "Mail", "2", 0.05)])
    store.labels.record(
        [LabelRecord("INC0012345", "category", "Mail", LabelSource.AUDITED, "Mia", at(6), "p-4")]
    )
    return store


@pytest.fixture
def run() -> Callable[..., Result]:
    def ask(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["audit", *arguments])

    return ask


def test_the_question_is_answered_on_one_screen(run, past):
    output = run("--at", "2026-03-04", "--incident", "INC0012345").stdout
    lines = output.splitlines()
    assert lines[0] == "at 2026-03-04 23:59:59 UTC"
    assert lines[1] == (
        "category: version 2 was champion, since 2026-03-03 12:00 UTC, promoted by Ana: "
        "reason of day 3"
    )
    assert lines[2] == f"  trained on data {'ab' * 32}"
    assert lines[3] == (
        "  accuracy against version 1: +0.021 (+0.008 to +0.034) on 2,013 incidents"
    )
    assert lines[5] == (
        "  2026-03-04 12:00  category: 'Mail', 93% sure, auto in mode auto, version 2, "
        "drawn for audit at 5%"
    )
    assert "'VPN', 93% sure, auto in mode auto, version 1" in lines[6]
    assert lines[-1] == "  2026-03-06 12:00  category: 'Mail', audited, by Mia (later)"
    assert len(lines) <= 24


def test_the_label_that_counted_then_is_marked(run, past):
    early, late = (
        LabelRecord("INC0012345", "category", label, source, "Eve", at(day), None)
        for label, source, day in (
            ("VPN", LabelSource.ACCEPTED, 3),
            ("Fax", LabelSource.CORRECTED, 5),
        )
    )
    past.labels.record([early, late])
    lines = run("--at", "2026-03-05", "--incident", "INC0012345").stdout.splitlines()
    assert [line.partition("by ")[2] for line in lines[-3:]] == [
        *("Eve", "Eve (counted then)", "Mia (later)")
    ]


def test_slices_are_left_to_the_export(run, past):
    details = {"differences": {"class Service Desk": GAIN, "version 1": GAIN}}
    past.audit_log.append(crown(8, "3", **details))
    shown = run("--at", "2026-03-08").stdout
    assert "accuracy against version 1: +0.021" in shown
    assert "Service Desk" not in shown
    assert "Service Desk" in run("--at", "2026-03-08", "--json").stdout


def test_a_retraining_tells_whether_it_began_or_ended(run, past):
    for state in ("started", "finished"):
        event = AuditEvent(at(9), "Ana", "retrain", None, None, "200 new labels", {"state": state})
        past.audit_log.append(event)
    lines = run().stdout.splitlines()
    assert lines[-2:] == [
        "2026-03-09 12:00  retrain started, by Ana: 200 new labels",
        "2026-03-09 12:00  retrain finished, by Ana: 200 new labels",
    ]


def test_only_what_was_said_up_to_then_is_told_and_before_the_log_what_the_registry_knows(
    run, past
):
    arguments = ["--incident", "INC0012345", "--target", "category", "--json"]
    assert (
        "category: none: version 1, the first, was trained on 20"
        in run("--at", "2026-02-01").stdout
    )
    evidence = json.loads(run("--at", "2026-03-03", *arguments).stdout)
    assert [answer["label"] for answer in evidence["answers"]] == ["VPN"]
    evidence = json.loads(run(*arguments).stdout)
    assert [(answer["label"], answer["audit_share"]) for answer in evidence["answers"]] == [
        ("Mail", 0.05),
        ("VPN", None),
    ]
    assert [label["source"] for label in evidence["labels"]] == ["audited"]


def test_a_champion_moved_past_the_log_is_found_once(run, past, home):
    connect(home.tracking_uri).set_registered_model_alias("default.category", CHAMPION, "3")
    for _ in range(2):
        assert "version 3 was champion" in run("--at", "9999-12-31").stdout
    events = past.audit_log.select(action="found")
    assert [(event.version, event.details["before"]) for event in events] == [("3", "1")]


def test_without_a_question_the_last_events_are_shown(run, past):
    for number in range(18):
        past.audit_log.append(crown(7, "1", "train", actor=f"run {number}"))
    lines = run().stdout.splitlines()
    assert lines[0] == "the last 20 of 22 events; --export FILE writes all"
    assert lines[-1] == "2026-03-07 12:00  train category version 1, by run 17: reason of day 7"
    assert len(json.loads(run("--json").stdout)["events"]) == 22
    assert "the log has no event of 'severity'" in run("--target", "severity").stdout


def test_the_whole_log_is_exported(run, past, tmp_path):
    events = past.audit_log.select()
    assert run("--export", str(tmp_path / "log.csv")).stdout.startswith("wrote 4 events")
    run("--export", str(tmp_path / "log.jsonl"))
    with (tmp_path / "log.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()
    for row, line, event in zip(rows, map(json.loads, lines), events, strict=True):
        assert (row["actor"], row["at"]) == (event.actor, event.at.isoformat())
        assert json.loads(row["details"]) == line["details"] == event.details
    assert sorted(path.name for path in tmp_path.glob("log*")) == ["log.csv", "log.jsonl"]


def test_a_spreadsheet_computes_no_cell_of_the_export(run, past, tmp_path):
    past.audit_log.append(crown(7, "1", "train", actor='=HYPERLINK("http://evil.example")'))
    run("--export", str(tmp_path / "log.csv"))
    run("--export", str(tmp_path / "log.jsonl"))
    with (tmp_path / "log.csv").open(encoding="utf-8", newline="") as file:
        *_, row = csv.DictReader(file)
    assert row["actor"] == '\'=HYPERLINK("http://evil.example")'
    *_, line = (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["actor"].startswith("=HYPERLINK")


def test_a_question_that_cannot_be_answered_is_one_line(run, past):
    for arguments, reason in (
        (["--at", "yesterday"], "--at 'yesterday' is no day or time; write it as 2026-03-03"),
        (["--export", "log.txt"], "log.txt ends neither in .csv nor in .jsonl"),
        (["--export", "/nowhere/log.csv"], "No such file or directory"),
        (["--at", "2026-03-03", "--target", "priority"], "no model of 'priority' is registered"),
    ):
        result = run(*arguments)
        assert result.exit_code == 2
        assert reason in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_the_log_answers_while_the_registry_cannot(run, past, home):
    (home.root / "mlflow.db").write_bytes(b"no database")
    result = run("--at", "2026-03-04")
    assert "category: version 2 was champion" in result.stdout
    assert "the log was not compared with the registry" in result.stderr
    output = run("--at", "2026-02-01", "--target", "category").stdout
    assert "unknown: the log had not begun, and the registry cannot be read" in output


def test_before_any_training_there_is_nothing_to_tell(run, home):
    (home.root / "mlflow.db").unlink()
    assert "there was no model" in run("--at", "2026-03-04").stdout
    assert "no answer about INC1" in run("--incident", "INC1").stdout
    assert "the log is empty" in run().stdout
