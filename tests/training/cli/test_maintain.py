"""`precedent maintain`: its message, its JSON and its exit codes."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from features.home import Home
from features.store.store import open_store
from models.artifacts.mlflow_client import connect
from models.artifacts.registry import CHAMPION
from training.cli.app import app
from training.pipeline.retraining_lock import RetrainingLock


@pytest.fixture
def home(home: Home, three_versions, empty_store, monkeypatch) -> Home:
    """A home with a champion of category and an empty store."""
    monkeypatch.setenv("PRECEDENT_HOME", str(home.root))
    monkeypatch.setenv("PRECEDENT_ENCODER", "hashing")
    shutil.copy(empty_store, home.root / "precedent.db")
    shutil.copy(three_versions.root / "mlflow.db", home.root / "mlflow.db")
    connect(home.tracking_uri).set_registered_model_alias("default.category", CHAMPION, "2")
    return home


def run(*arguments: str):
    return CliRunner().invoke(app, ["maintain", *arguments])


def test_nothing_due_is_success(home):
    result = run()
    assert result.exit_code == 0, result.output
    found, decision = result.stdout.splitlines()
    assert found == "found: nothing is out of line"
    assert decision.startswith("not retrained: last trained on ")
    answer = json.loads(run("--json", "--retrain-days", "0").stdout)
    assert answer["retrained"] is False
    assert answer["reason"].startswith("not due: no new label since ")
    assert (answer["alarms"], answer["waiting"], answer["failure"]) == ([], [], None)
    with open_store(home.database_url) as store:
        assert store.monitoring_reports.latest() is not None


def test_a_failed_retraining_prints_the_message_and_is_exit_code_2(home):
    with open_store(home.database_url) as store, RetrainingLock(store, "Ben") as held:
        result = run("--target", "severity")
    assert result.exit_code == 2
    assert result.stdout.splitlines()[1].startswith("not retrained: due (there is no champion yet)")
    error = result.stderr.strip().splitlines()[-1]
    assert error.startswith("error: ")
    assert held.holder in error
