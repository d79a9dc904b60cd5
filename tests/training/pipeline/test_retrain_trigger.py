"""When a retraining is due, and what it waits for."""

from datetime import UTC, datetime, timedelta

import pytest
from factories import incident, label_record
from trained_versions import TrainedVersions

from features.domain.monitoring import Alarm, MonitoringReport
from training.pipeline.retrain_trigger import decide_retraining

NOW = datetime.now(UTC)
SINCE = NOW - timedelta(days=3)


@pytest.fixture
def registry(tmp_path):
    return TrainedVersions(tmp_path)


def decide(store, registry, targets=("category",)):
    return decide_retraining(store, registry, targets, retrain_days=7, now=NOW)


def change(store, labelled, *alarms):
    store.incidents.upsert(
        [
            incident(f"N{n}", opened_at=SINCE + n * timedelta(minutes=9), category="Net")
            for n in range(labelled)
        ]
    )
    store.monitoring_reports.save(MonitoringReport(NOW, (), alarms, ()))


def alarm(signal="label", target="category", since=SINCE):
    return Alarm(signal, "it changed", "look", since, (), target)


@pytest.mark.parametrize(
    ("days_ago", "labels", "is_due", "reason"),
    [(8, 1, True, "1 new label since"), (8, 0, False, "no new label"), (6, 1, False, "next on")],
)
def test_it_is_due_after_some_days_with_new_labels(
    store, registry, days_ago, labels, is_due, reason
):
    registry.train(NOW - timedelta(days=days_ago))
    store.labels.record([label_record("T0") for _ in range(labels)])
    decision = decide(store, registry)
    assert (decision.is_due, reason in decision.reason) == (is_due, True), decision.reason
    assert decision.next_at == (None if is_due else NOW - timedelta(days=days_ago - 7))


def test_without_a_champion_it_is_due(store, registry):
    assert decide(store, registry, ()).is_due
    registry.train(NOW - timedelta(days=1))
    assert decide(store, registry, ("severity",)).is_due


def test_a_change_waits_for_its_labels(store, registry):
    registry.train(NOW - timedelta(days=6))
    change(store, 12, alarm(), alarm("errors", since=SINCE + timedelta(hours=1)))
    decision = decide(store, registry)
    assert not decision.is_due
    assert [each.missing for each in decision.waiting] == [18]
    assert decision.describe() == (
        f"{decision.reason}; change of category since {SINCE:%Y-%m-%d}: 12 labelled incidents of "
        "30 needed, 18 missing"
    )


def test_a_change_with_enough_labels_is_due_at_once(store, registry):
    registry.train(NOW - timedelta(days=6))
    change(store, 30, alarm())
    decision = decide(store, registry)
    assert decision.is_due
    assert decision.reason == "alarm: it changed (30 labelled incidents since)"


def test_a_training_that_came_too_early_does_not_end_the_wait(store, registry):
    registry.train(NOW - timedelta(days=6))
    change(store, 30, alarm())
    registry.train(NOW + timedelta(minutes=1), [f"N{n}" for n in range(12)])
    assert decide(store, registry).is_due
    registry.train(NOW + timedelta(minutes=2), [f"N{n}" for n in range(30)])
    assert not decide(store, registry).is_due
