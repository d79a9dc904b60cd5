"""Training anew on the store, by hand or when it is due; whatever fails, the champion stays."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from factories import incident, label_record, prediction
from typer.testing import CliRunner

from features.domain.labels import LabelRecord
from features.domain.report import ResolvedIncident
from features.home import Home
from features.store.store import Store, open_store
from models.artifacts.mlflow_client import connect
from models.artifacts.registry import CHAMPION, ModelRegistry
from training.cli.app import app
from training.pipeline.retrain import log_retraining
from training.pipeline.retraining_lock import RetrainingLock

ROOT = Path(__file__).parents[3]
WORDS = {"Network": "vpn connection drops", "Printing": "printer jam on floor"}
NOW = datetime.now(UTC)
STOP_WHILE_FITTING = """
import sys, time
import training.pipeline.train
from training.cli.app import app
def stop(*_):
    print("fitting", flush=True)
    time.sleep(60)
training.pipeline.train.fit_best_encoder = stop
app(["retrain", "--target", "category"])
"""


SMALL_DISK = """
import resource
from training.cli.app import app
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
app(["retrain", "--target", "category", "--force-promote"])
"""


@pytest.fixture
def home(home: Home, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("PRECEDENT_HOME", str(home.root))
    monkeypatch.setenv("PRECEDENT_ENCODER", "hashing")
    shutil.copy(empty_store, home.root / "precedent.db")
    return home


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    with open_store(home.database_url) as opened:
        yield opened


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["retrain", *(str(argument) for argument in arguments)])


def last_line(result: Result) -> str:
    return result.stderr.strip().splitlines()[-1]


def champions(home: Home) -> dict[str, str]:
    registry = ModelRegistry(home.tracking_uri, "default")
    return {target: version.version for target, version in registry.champions().items()}


def past(rows: int = 60) -> list[ResolvedIncident]:
    labels = list(WORDS)
    return [
        incident(
            f"T{n}",
            f"{WORDS[labels[n % 2]]} {n}",
            opened_at=NOW - timedelta(hours=9 * (rows - n)),
            category=labels[n % 2],
        )
        for n in range(rows)
    ]


def label(incident_id: str, said: str, source: str = "corrected") -> LabelRecord:
    return label_record(incident_id, said, source, given_at=NOW)


def states(store: Store) -> list[str]:
    return [event.details["state"] for event in store.audit_log.select(action="retrain")]


@pytest.mark.quality
def test_it_learns_from_store_and_file_and_writes_nothing_back(
    home: Home, store: Store, tmp_path: Path
) -> None:
    everything = past()
    store.incidents.upsert(everything[:40])
    store.labels.record([label("T0", "Network", "echo"), label("T1", "Network")])
    store.labels.record([label("T2", "Netwrk")])
    file = write_history(tmp_path / "history.jsonl", everything[30:])
    result = run("--target", "category", "--from-store", "--history", file, "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert (answer["retrained"], answer["rows"], answer["echoes"]) == (True, 60, 1)
    assert answer["trained"][0]["rows"] == 58
    assert any("'Netwrk' in category" in warning for warning in answer["warnings"])
    assert champions(home) == {"category": "1", "novelty": "1"}
    assert [store.incidents.get(f"T{n}").outcome.category for n in (0, 1, 59)] == [
        *WORDS,
        "Printing",
    ]
    assert store.dataset_metadata.get().provenance["title"] == "unknown"
    assert states(store) == ["started", "finished"]
    finished = store.audit_log.select(action="retrain")[-1]
    assert finished.details["versions"] == {"category": "1", "novelty": "1"}
    assert finished.details["data_sha256"] == answer["data_sha256"]

    again = run("--target", "category", "--if-due")
    assert (again.exit_code, again.stdout.startswith("not due: last trained on")) == (0, True)
    assert states(store) == ["started", "finished"]


@pytest.mark.quality
def test_a_renamed_label_is_learned_as_the_new_one_from_then_on(home: Home, store: Store) -> None:
    incidents = [
        replace(one, outcome=replace(one.outcome, category="Net"))
        if one.outcome.category == "Network" and number < 40
        else one
        for number, one in enumerate(past())
    ]
    store.incidents.upsert(incidents)
    renamed = run("--target", "category", "--renamed", "category", "Net", "Network", "--json")
    assert renamed.exit_code == 0, renamed.output
    assert store.dataset_metadata.get().renamed == {"category": {"Net": "Network"}}
    finished = store.audit_log.select(action="retrain")[-1]
    assert finished.details["renamed"] == {"category": {"Net": "Network"}}
    registry = ModelRegistry(home.tracking_uri, "default")
    trained = json.loads(renamed.stdout)["trained"][0]
    model = registry.load(registry.version("category", trained["version"])).model
    assert set(model.classes_) == {"Network", "Printing"}
    # The stored incident keeps the label that it was given.
    assert store.incidents.get("T0").outcome.category == "Net"


def test_a_label_renamed_to_itself_is_refused(home: Home) -> None:
    refused = run("--renamed", "category", "Net", "Net")
    assert refused.exit_code == 2
    assert "'Net' is both the old and the new label" in last_line(refused)


@pytest.mark.quality
def test_train_does_not_learn_an_export_of_our_own_answers(
    home: Home, store: Store, tmp_path: Path
) -> None:
    everything = past()
    ours = everything[0].outcome.category
    answer = prediction("T0", ours, decision="auto", mode="auto", answered_at=NOW)
    store.predictions.record([answer])
    file = str(write_history(tmp_path / "history.jsonl", everything))
    command = ["train", "--history", file, "--target", "category", "--json"]
    report = json.loads(CliRunner().invoke(app, command).stdout)
    assert report["trained"][0]["rows"] == 59
    assert "1 label left out for only repeating Precedent's own answers" in report["warnings"]
    assert store.incidents.get("T0").outcome.category == ours
    assert [row.source for row in store.labels.select()] == ["echo"]


def write_history(path: Path, incidents: list[ResolvedIncident]) -> Path:
    rows = [
        {
            "id": example.report.id,
            "opened_at": example.report.opened_at.isoformat(),
            "title": example.report.title,
            "category": example.outcome.category,
        }
        for example in incidents
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_bad_input_and_a_second_one_are_one_line(home: Home, store: Store) -> None:
    nothing = run()
    assert nothing.exit_code == 2
    assert last_line(nothing).startswith("error: nothing can be trained")
    assert states(store) == ["started", "failed"]
    nonsense = run("--cutoff", "last week")
    assert nonsense.exit_code == 2
    assert last_line(nonsense).startswith("error: --cutoff: 'last week' is no time")
    assert "is in the future" in last_line(run("--cutoff", "2999-01-01"))
    assert "--history" in last_line(run("--mapping", "mapping.yaml"))
    store.incidents.upsert(past())
    with RetrainingLock(store, "Ben") as held:
        second = run()
    assert second.exit_code == 2
    assert held.holder in last_line(second)
    assert champions(home) == {}
    assert states(store) == ["started", "failed"]


def test_one_that_never_told_its_end_is_written_down_as_failed(store: Store) -> None:
    for _ in range(2):
        with suppress(KeyboardInterrupt), log_retraining(store, "Ana", "by hand", {}) as ending:
            ending["versions"] = {"category": "7"}
    with suppress(KeyboardInterrupt), log_retraining(store, "Ana", "by hand", {}):
        raise KeyboardInterrupt
    started = store.audit_log.select(action="retrain")[0]
    store.audit_log.append(replace(started, at=datetime.now(UTC)))
    with log_retraining(store, "Ben", "by hand", {}):
        pass
    ends = ["started", "finished", "started", "finished", "started", "failed"]
    assert states(store) == [*ends, "started", "failed", "started", "finished"]


@pytest.fixture
def championed(home: Home, three_versions: Home) -> dict[str, str]:
    """The champions of a home that has one already."""
    shutil.copy(three_versions.root / "mlflow.db", home.root / "mlflow.db")
    client = connect(home.tracking_uri)
    client.set_registered_model_alias("default.category", CHAMPION, "2")
    return champions(home)


@pytest.mark.quality
def test_killed_in_mid_training_it_leaves_the_champion(
    home: Home, store: Store, championed: dict[str, str]
) -> None:
    store.incidents.upsert(past())
    killed = subprocess.Popen(
        [sys.executable, "-c", STOP_WHILE_FITTING], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert killed.stdout is not None
    assert any("fitting" in line for line in killed.stdout)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    second = run("--target", "category")
    assert (second.exit_code, "killed process expires after" in second.stderr) == (2, True)
    assert champions(home) == championed == {"category": "2"}
    registry = ModelRegistry(home.tracking_uri, "default")
    assert [version.version for version in registry.versions("category")] == ["3", "2", "1"]
    assert states(store) == ["started"]


@pytest.mark.quality
def test_on_a_full_disk_it_fails_in_one_line_and_the_champion_stays(
    home: Home, store: Store, championed: dict[str, str]
) -> None:
    store.incidents.upsert(past())
    failed = subprocess.run(
        [sys.executable, "-c", SMALL_DISK], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (failed.returncode, "Traceback" in failed.stderr) == (2, False), failed.stderr
    assert failed.stderr.strip().splitlines()[-1].startswith("error: ")
    assert champions(home) == championed
    registry = ModelRegistry(home.tracking_uri, "default")
    assert [version.version for version in registry.versions("category")] == ["3", "2", "1"]
