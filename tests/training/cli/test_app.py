"""The training commands on good and bad input: exit codes, one clear line, nothing half-done."""

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from features.home import Home
from features.store.store import open_store
from models.artifacts.registry import ModelRegistry
from training.cli.app import app
from training.demo.export import write_history, write_mapping
from training.demo.incidents import generate_company

ROOT = Path(__file__).parents[3]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def champions(home: Home) -> dict[str, str]:
    registry = ModelRegistry(home.tracking_uri, "default")
    return {target: version.version for target, version in registry.champions().items()}


def write_tickets(path: Path, rows: int, labels: tuple[str, ...] = ("Network", "Printing")) -> Path:
    words = {"Network": "vpn connection drops", "Printing": "printer jam on floor"}
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "category"])
        for number in range(rows):
            label = labels[number % len(labels)]
            writer.writerow([f"T{number}", f"{words[label]} {number}", label])
    return path


@pytest.fixture
def home(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("PRECEDENT_HOME", str(home.root))
    monkeypatch.setenv("PRECEDENT_ENCODER", "hashing")
    return home


def test_a_variable_that_is_no_setting_is_named_once(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRECEDENT_FRESH_DAYS", "3")
    result = run("modes")
    assert result.exit_code == 0
    warning = "warning: PRECEDENT_FRESH_DAYS is not a setting; did you mean PRECEDENT_FRESHER_DAYS?"
    assert result.stderr == f"{warning}\n"


def bad_files(folder: Path) -> dict[str, tuple[Path, str]]:
    """Files that cannot train, each with a word that its error must hold."""
    empty = folder / "empty.csv"
    empty.touch()
    truncated = folder / "truncated.csv.gz"
    truncated.write_bytes(gzip.compress(b"id,title\n" * 5000)[:-20])
    no_parquet = folder / "no.parquet"
    no_parquet.write_text("id,title\n1,x\n")
    binary = folder / "binary.csv"
    binary.write_bytes(bytes(range(256)) * 20)
    return {
        "missing": (folder / "missing.csv", "missing.csv"),
        "empty": (empty, "empty"),
        "truncated": (truncated, "truncated.csv.gz"),
        "no parquet": (no_parquet, "parquet"),
        "binary": (binary, "binary.csv"),
        "one class": (write_tickets(folder / "one.csv", 60, ("Network",)), "one label"),
        "12 rows": (write_tickets(folder / "few.csv", 12), "12 labelled"),
    }


@pytest.mark.parametrize(
    "case", ["missing", "empty", "truncated", "no parquet", "binary", "one class", "12 rows"]
)
def test_bad_files_are_one_line_and_exit_code_2(case: str, home: Home, tmp_path: Path):
    path, word = bad_files(tmp_path)[case]
    result = run("train", "--history", path)
    assert result.exit_code == 2
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert word in line
    assert "Traceback" not in result.output
    assert champions(home) == {}


def test_a_column_that_the_file_lacks_is_named(home: Home, tmp_path: Path):
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("report: {title: titel}\noutcome: {category: category}\n")
    result = run("train", "--history", write_tickets(tmp_path / "h.csv", 40), "--mapping", mapping)
    assert result.exit_code == 2
    assert "titel" in result.stderr
    assert "title" in result.stderr


def test_a_named_target_that_cannot_be_trained_is_refused(home: Home, tmp_path: Path):
    history = write_tickets(tmp_path / "h.csv", 60)
    result = run("train", "--history", history, "--target", "severity")
    assert result.exit_code == 2
    assert "severity" in result.stderr


def test_no_history_says_what_to_give(home: Home):
    result = run("train")
    assert result.exit_code == 2
    assert "--history" in result.stderr


def test_training_promotes_and_tells_machines(home: Home, tmp_path: Path):
    history = write_tickets(tmp_path / "h.csv", 80)
    result = run("train", "--history", history, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["rows"] == 80
    trained, *others = report["trained"]
    assert trained["target"] == "category"
    assert [other["target"] for other in others] == ["similar", "novelty"]
    assert trained["verdict"]["promoted"] is True
    assert {"accuracy", "macro_f1", "ece"} <= {metric["name"] for metric in trained["metrics"]}
    assert "not trained" in report["skipped"]["severity"]
    assert champions(home) == {"category": "1", "similar": "1", "novelty": "1"}


@pytest.mark.quality
def test_noise_is_registered_but_not_promoted_unless_forced(home: Home, tmp_path: Path):
    history = tmp_path / "noise.csv"
    with history.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "category"])
        for number in range(120):
            writer.writerow([number, f"word{number * 7919 % 113}", "AB"[number * 104729 % 7 % 2]])
    command = ["train", "--history", history, "--target", "category"]
    assert run(*command).exit_code == 0
    assert "category" not in champions(home)
    assert run(*command, "--force-promote").exit_code == 0
    assert champions(home)["category"] == "2"


def test_evaluate_keeps_nothing(home: Home, tmp_path: Path):
    history = write_tickets(tmp_path / "h.csv", 80)
    result = run("evaluate", "--history", history)
    assert result.exit_code == 0, result.output
    assert "accuracy" in result.output
    assert champions(home) == {}


def test_rollback_and_promote_move_the_champion(home: Home, tmp_path: Path):
    history = write_tickets(tmp_path / "h.csv", 80)
    command = ["train", "--history", history, "--target", "category"]
    for options in ((), ("--force-promote",)):
        assert run(*command, *options).exit_code == 0
    assert champions(home)["category"] == "2"
    assert run("rollback", "category", "--reason", "worse").exit_code == 0
    assert champions(home)["category"] == "1"
    assert run("promote", "category", "--version", "2").exit_code == 0
    with open_store(home.database_url) as store:
        moved = [
            event
            for event in store.audit_log.select()
            if event.action in {"promote", "rollback"} and event.target == "category"
        ]
    assert [(event.action, event.version) for event in moved] == [
        ("promote", "1"),
        ("promote", "2"),
        ("rollback", "1"),
        ("promote", "2"),
    ]
    assert moved[2].reason == "worse"
    assert champions(home)["category"] == "2"
    assert run("promote", "category", "--version", "9").exit_code == 2
    assert run("promote", "nothing").exit_code == 2


@pytest.mark.quality
def test_training_killed_at_any_moment_leaves_the_champion(home: Home, tmp_path: Path):
    company = generate_company(incidents=300)
    write_history(company, tmp_path / "history.jsonl")
    write_mapping(tmp_path / "mapping.yaml")
    command = ["train", "--history", f"{tmp_path}/history.jsonl"]
    command += ["--mapping", f"{tmp_path}/mapping.yaml", "--target", "category"]
    assert run(*command).exit_code == 0
    for seconds in (3.0, 6.0, 9.0):
        with subprocess.Popen(
            [sys.executable, "-m", "training", *command],
            cwd=ROOT,
            env=os.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as training:
            time.sleep(seconds)
            if training.poll() is None:
                os.killpg(training.pid, signal.SIGKILL)
        registry = ModelRegistry(home.tracking_uri, "default")
        champion = registry.champions()["category"]
        assert registry.load(champion).card.target == "category"


@pytest.mark.parametrize(
    "text",
    [
        "report: {title: 2020-99-99}",
        "report: {title: !!int abc}",
        "report: {title: !!float abc}",
        "report: " + "[" * 3000 + "]" * 3000,
    ],
)
def test_odd_yaml_is_one_line_and_exit_code_2(text: str, home: Home, tmp_path: Path):
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(text)
    result = run("train", "--history", write_tickets(tmp_path / "h.csv", 40), "--mapping", mapping)
    assert_refused(result, "mapping.yaml")


@pytest.mark.parametrize("title", ["", "the same words each time"])
def test_incidents_that_all_say_the_same_are_refused(title: str, home: Home, tmp_path: Path):
    history = tmp_path / "h.csv"
    rows = [f"{number},{title},{'AB'[number % 2]}" for number in range(60)]
    history.write_text("\n".join(["id,title,category", *rows]))
    assert_refused(run("train", "--history", history), "say the same")
    assert champions(home) == {}


@pytest.mark.quality
def test_a_target_that_turns_out_unfit_is_skipped_unless_it_is_named(home: Home, tmp_path: Path):
    history, mapping = tmp_path / "h.csv", tmp_path / "m.yaml"
    mapping.write_text(
        "report: {id: id, title: title, opened_at: opened_at}\n"
        "outcome: {category: category, severity: {column: severity, order: [low, high]}}"
    )
    lines = ["id,title,category,severity,opened_at"]
    for number in range(160):
        category = ("Network", "Printing")[number % 2]
        severity = ("low", "high")[number % 2] if number >= 140 else ""
        day = f"2026-{1 + number // 28:02d}-{1 + number % 28:02d}"
        lines.append(f"{number},{category} trouble {number},{category},{severity},{day}")
    history.write_text("\n".join(lines))
    command = ["--history", history, "--mapping", mapping]
    result = run("train", *command, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    targets = [trained["target"] for trained in report["trained"]]
    assert targets == ["category", "similar", "novelty"]
    assert report["skipped"]["severity"].startswith("not trained: ")
    assert_refused(run("evaluate", *command, "--target", "severity"), "longer history")


def test_brackets_in_a_history_are_no_markup(home: Home, tmp_path: Path):
    history, mapping = tmp_path / "[h].csv", tmp_path / "m.yaml"
    mapping.write_text("report: {id: id, title: title}\noutcome: {fields: ['[/b]']}")
    write_tickets(history, 60)
    history.write_text(history.read_text().replace("category", "[/b]"))
    result = run("evaluate", "--history", history, "--mapping", mapping)
    assert result.exit_code == 0, result.output
    assert "fields.[/b]" in result.output


def test_a_home_that_cannot_be_used_is_refused(
    monkeypatch: pytest.MonkeyPatch, home: Home, tmp_path: Path
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("PRECEDENT_HOME", str(tmp_path / "file"))
    result = run("train", "--history", write_tickets(tmp_path / "h.csv", 40))
    assert_refused(result, "PRECEDENT_HOME")


@pytest.mark.parametrize("seconds", [1.5, pytest.param(5.0, marks=pytest.mark.quality)])
def test_ctrl_c_stops_without_a_traceback(seconds: float, home: Home):
    with subprocess.Popen(
        [sys.executable, "-m", "training", "demo"],
        cwd=ROOT,
        env=os.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A job in the background ignores Ctrl-C and passes that on to its children.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    ) as training:
        time.sleep(seconds)
        training.send_signal(signal.SIGINT)
        _, errors = training.communicate(timeout=60)
    assert training.returncode != 0
    assert "Traceback" not in errors


def assert_refused(result: Result, word: str) -> None:
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert word in line
