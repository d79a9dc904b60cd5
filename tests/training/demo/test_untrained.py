"""What `precedent demo` trains in a home that has champions already."""

import csv
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import Result
from typer.testing import CliRunner

from features.errors import NotEnoughHistory
from features.home import Home
from models.artifacts.registry import ModelRegistry
from training.cli.app import app
from training.demo import untrained
from training.plan import TrainingPlan

BEGAN_AT = datetime(2026, 1, 5, 8, tzinfo=UTC)
ROWS = 240


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture
def home(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("PRECEDENT_HOME", str(home.root))
    monkeypatch.setenv("PRECEDENT_ENCODER", "hashing")
    return home


def write_tickets(path: Path, rows: int) -> Path:
    rng = random.Random(1)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "opened_at", "title", "category", "resolved_at"])
        for number in range(rows):
            opened_at = BEGAN_AT + timedelta(hours=5 * number)
            resolved_at = opened_at + timedelta(hours=rng.expovariate(0.3))
            label = ("Network", "Printing")[number % 2]
            title = f"{('vpn connection drops', 'printer jam on floor')[number % 2]} {number}"
            row = [f"T{number}", opened_at.isoformat(), title, label, resolved_at.isoformat()]
            writer.writerow(row)
    return path


def versions(home: Home) -> dict[str, str]:
    registry = ModelRegistry(home.tracking_uri, "default")
    return registry.unpromoted() | registry.champion_numbers()


def test_a_home_with_champions_gets_what_its_history_supports_and_has_no_version_of(
    home: Home, tmp_path: Path
):
    history = write_tickets(tmp_path / "h.csv", ROWS)
    run("train", "--history", history, "--target", "category", "--force-promote")
    before = versions(home)
    assert "resolution" not in before
    result = run("demo")
    assert "training what has no version yet: similar, resolution" in result.stdout
    after = versions(home)
    assert after == before | {"similar": "1", "resolution": "1"}
    # Nothing in the tickets tells how long they take, so that nothing can beat the baseline.
    assert "resolution" in ModelRegistry(home.tracking_uri, "default").unpromoted()
    result = run("demo")
    assert result.stdout.strip().endswith("nothing to train")
    assert versions(home) == after


def test_what_the_history_does_not_support_is_not_tried(home: Home, tmp_path: Path):
    run("train", "--history", write_tickets(tmp_path / "h.csv", 60), "--force-promote")
    result = run("demo")
    assert "nothing to train" in result.stdout
    assert not {"resolution", "runbooks", "severity"} & set(versions(home))


def test_a_target_that_cannot_be_trained_does_not_stop_the_others(monkeypatch, home: Home):
    def retrain(request, plan, store, progress):
        if plan.targets == ("severity",):
            raise NotEnoughHistory("severity: too few")
        return SimpleNamespace(report=plan.targets)

    monkeypatch.setattr(untrained, "retrain", retrain)
    plan = TrainingPlan(home, "default", "sqlite://", "hashing")
    results = dict(untrained.train_untrained(("severity", "similar"), plan, None, BEGAN_AT, print))
    assert str(results["severity"]) == "severity: too few"
    assert results["similar"] == ("similar",)
