"""Maintenance looks, retrains when due, and says in one message what it did and why."""

from datetime import UTC, datetime, timedelta

import pytest
from factories import incident
from trained_versions import TrainedVersions

from features.domain.monitoring import Alarm, MonitoringReport, Proposal
from features.errors import NotEnoughHistory
from features.home import Home
from models.base.gate_verdict import Verdict
from training.pipeline import maintain as maintenance
from training.pipeline.maintain import maintain
from training.pipeline.report import TrainedTarget, TrainingReport
from training.pipeline.retrain import RetrainingResult
from training.plan import TrainingPlan

NOW = datetime.now(UTC)
SINCE = NOW - timedelta(days=3)
ALARM = Alarm("label", "label 'Net' is new", "look", SINCE, (), "category", "Net")
PROPOSAL = Proposal("retired", "category", "Fax", "Fax is gone", 3, None, ())
REPORT = TrainingReport(
    split="folds",
    encoded=0,
    trained=(
        TrainedTarget(
            "category", "choice", 60, (), version="2", verdict=Verdict(True, ("better",))
        ),
        TrainedTarget("similar", "similar", 9, (), version="5", verdict=Verdict(False, ("worse",))),
        TrainedTarget("runbooks", "runbook", 9, (), version="1", verdict=Verdict(False, ("bad",))),
    ),
    skipped={"severity": "not trained: too few", "assignment": "not trained: no such column"},
)


@pytest.fixture
def run(store, tmp_path, monkeypatch):
    """Runs maintenance with a champion of two days ago, and a training that a test stands for."""

    def maintained(*alarms, retraining=None):
        registry = TrainedVersions(tmp_path)
        registry.train(NOW - timedelta(days=2))
        registry.champion_numbers = lambda: {"category": "1", "similar": "4", "severity": "3"}
        report = MonitoringReport(NOW, (), alarms, (PROPOSAL,))
        monkeypatch.setattr(maintenance, "ModelRegistry", lambda *_: registry)
        monkeypatch.setattr(maintenance, "build_report", lambda *_, days: report)
        monkeypatch.setattr(maintenance, "retrain", retraining)
        url = f"sqlite:///{tmp_path / 'precedent.db'}"
        plan = TrainingPlan(Home(tmp_path), "default", url, "hashing")
        return maintain(plan, store, retrain_days=7, progress=lambda *_: None)

    return maintained


def fill(store, labelled):
    store.incidents.upsert(
        [
            incident(f"N{n}", opened_at=SINCE + n * timedelta(minutes=9), category="Net")
            for n in range(labelled)
        ]
    )


def test_if_nothing_is_due_it_says_when(run, store):
    result = run()
    assert (result.is_retrained, result.targets) == (False, {})
    assert result.next_at == NOW + timedelta(days=5)
    assert result.describe().splitlines() == [
        "found: nothing is out of line; 1 proposal, see precedent monitor",
        f"not retrained: last trained on {NOW - timedelta(days=2):%Y-%m-%d}, "
        f"next on {NOW + timedelta(days=5):%Y-%m-%d}",
    ]
    assert store.monitoring_reports.latest().at == NOW


def test_a_change_without_enough_labels_says_how_many_are_missing(run, store):
    fill(store, 12)
    lines = run(ALARM).describe().splitlines()
    assert lines[:2] == [
        "found: 1 alarm; 1 proposal, see precedent monitor",
        "  label 'Net' is new",
    ]
    assert lines[2].endswith(
        f"; change of category since {SINCE:%Y-%m-%d}: 12 labelled incidents of 30 needed, "
        "18 missing"
    )


def test_a_change_with_enough_labels_is_learned_and_each_target_has_its_reason(run, store):
    fill(store, 31)
    requests = []

    def retrain(request, *_):
        requests.append(request)
        return RetrainingResult(None, (), 0, REPORT)

    result = run(ALARM, retraining=retrain)
    assert [request.reason for request in requests] == [result.decision.reason]
    assert result.describe().splitlines()[2:] == [
        "retrained: alarm: label 'Net' is new (31 labelled incidents since)",
        "  category: version 2 promoted: better",
        "  similar: version 5 refused, version 4 stays champion: worse",
        "  runbooks: version 1 refused, there is no champion: bad",
        "  severity: version 3 stays champion: not trained: too few",
        f"next on {result.next_at:%Y-%m-%d}, or when a change has enough labels",
    ]
    assert result.next_at >= NOW + timedelta(days=7)


def test_a_failed_retraining_is_told_with_what_was_found(run, store):
    fill(store, 31)

    def retrain(*_):
        raise NotEnoughHistory("nothing can be\n trained")

    result = run(ALARM, retraining=retrain)
    assert (result.is_retrained, result.failure) == (False, "nothing can be trained")
    assert result.describe().splitlines()[2] == (
        "not retrained: due (alarm: label 'Net' is new (31 labelled incidents since)), "
        "but it failed: nothing can be trained"
    )
