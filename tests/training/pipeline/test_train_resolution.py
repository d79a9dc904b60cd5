"""The training of the time to resolve: what is judged, what serves and what is refused."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from typer.testing import CliRunner

from features.domain.history import History
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.errors import NotEnoughHistory, UnreadableFile
from models.artifacts.registry import ModelRegistry
from training.cli.app import app
from training.dataset.split import split_history
from training.pipeline.train_resolution import train_resolution
from training.plan import TrainingPlan
from training.settings import TrainingSettings

START = datetime(2026, 1, 1, tzinfo=UTC)
SCALES = {"fast": 2.0, "slow": 40.0}


def make_history(count, *, tells=True, seed=0):
    """Return incidents an hour apart; with `tells`, the service tells how long each takes."""
    rng = np.random.default_rng(seed)
    incidents = []
    for number in range(count):
        scale = str(rng.choice(list(SCALES)))
        hours = SCALES[scale] * rng.exponential()
        opened_at = START + timedelta(hours=number)
        report = IncidentReport(f"I{number}", opened_at, service=scale if tells else "one")
        outcome = Outcome(resolved_at=opened_at + timedelta(hours=hours), sla_met=bool(hours < 8))
        incidents.append(ResolvedIncident(report, outcome))
    return History(tuple(incidents))


@pytest.fixture
def plan(home):
    return TrainingPlan(home, "default", home.database_url, "hashing")


def train(history, plan):
    return train_resolution(history, split_history(history), plan, lambda *_: None)


def test_what_beats_the_baseline_serves(plan):
    trained = train(make_history(900), plan)
    assert trained.verdict.promoted
    assert trained.rows == 900
    (answer,) = trained.model.predict([IncidentReport("new", service="slow")])
    assert None not in (answer.median_hours, answer.breach_probability)
    metrics = {metric.name: metric for metric in trained.metrics}
    assert {"interval_coverage", "pinball_loss", "breach_roc_auc"} <= metrics.keys()
    assert metrics["pinball_loss"].high < metrics["pinball_loss"].baseline
    assert all(metric.low <= metric.value <= metric.high for metric in metrics.values())


def test_what_does_not_beat_the_baseline_does_not_serve(plan):
    trained = train(make_history(900, tells=False), plan)
    assert not trained.verdict.promoted
    assert all("does not answer" in reason for reason in trained.verdict.reasons)
    (answer,) = trained.model.predict([IncidentReport("new")])
    assert (answer.median_hours, answer.breach_probability) == (None, None)


def test_few_resolved_incidents_are_refused_with_their_number(plan):
    history = make_history(300)
    still_open = [replace(i, outcome=Outcome()) for i in history.incidents[100:]]
    history = replace(history, incidents=(*history.incidents[:100], *still_open))
    with pytest.raises(NotEnoughHistory, match="100 resolved incidents with"):
        train(history, plan)


def test_targets_of_the_plan_tell_of_breaches(plan):
    incidents = [
        replace(i, outcome=replace(i.outcome, severity="P1", sla_met=None))
        for i in make_history(900).incidents
    ]
    trained = train(History(tuple(incidents)), replace(plan, target_hours={"P1": 8.0}))
    assert "breach_roc_auc" in {metric.name for metric in trained.metrics}


def write_export(file, count):
    rows = ["id,opened_at,title,service,resolved_at,sla_met"]
    for incident in make_history(count).incidents:
        report, outcome = incident.report, incident.outcome
        rows.append(
            f"{report.id},{report.opened_at:%Y-%m-%dT%H:%M:%SZ},trouble {report.id},"
            f"{report.service},{outcome.resolved_at:%Y-%m-%dT%H:%M:%SZ},{outcome.sla_met}"
        )
    file.write_text("\n".join(rows) + "\n")
    return file


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_command_trains_and_promotes_it(home, tmp_path, monkeypatch):
    monkeypatch.setenv("PRECEDENT_HOME", str(home.root))
    monkeypatch.setenv("PRECEDENT_ENCODER", "hashing")
    export = write_export(tmp_path / "export.csv", 900)
    result = run("train", "--history", export, "--target", "resolution", "--json")
    assert result.exit_code == 0, result.output
    (trained,) = json.loads(result.stdout)["trained"]
    assert (trained["target"], trained["kind"]) == ("resolution", "resolution")
    assert trained["verdict"]["promoted"]
    registry = ModelRegistry(home.tracking_uri, "default")
    loaded = registry.load(registry.champions()["resolution"])
    assert loaded.card.metrics
    assert loaded.model.predict([IncidentReport("x", service="fast")])[0].median_hours < 8


def test_a_named_target_that_cannot_be_trained_is_an_error(home, tmp_path, monkeypatch):
    monkeypatch.setenv("PRECEDENT_HOME", str(home.root))
    monkeypatch.setenv("PRECEDENT_ENCODER", "hashing")
    export = write_export(tmp_path / "export.csv", 50)
    result = run("train", "--history", export, "--target", "resolution")
    assert result.exit_code == 2
    assert "50 resolved incidents" in result.stderr


def test_target_times_of_the_home_are_part_of_the_plan(home, monkeypatch):
    monkeypatch.setenv("PRECEDENT_HOME", str(home.root))
    home.target_times.write_text("hours: {P1: 4}\n")
    assert TrainingSettings().plan(home, actor="me").target_hours == {"P1": 4.0}
    home.target_times.write_text("hours: {P1: never}\n")
    with pytest.raises(UnreadableFile, match="hours"):
        TrainingSettings().plan(home, actor="me")
