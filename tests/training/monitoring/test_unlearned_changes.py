"""A change that an alarm found is kept until a training has learned enough labels of it."""

from datetime import UTC, datetime, timedelta

import pytest
from factories import incident
from trained_versions import TrainedVersions

from features.domain.monitoring import Alarm, MonitoringReport
from training.monitoring.unlearned_changes import NEEDED_LABELS, find_unlearned_changes

NOW = datetime(2026, 5, 1, tzinfo=UTC)
SINCE = NOW - timedelta(days=20)
HOUR = timedelta(hours=1)


@pytest.fixture
def registry(tmp_path):
    """A champion that was trained before the change."""
    versions = TrainedVersions(tmp_path)
    versions.train(SINCE - HOUR)
    return versions


def fill(store, labelled, category="Net"):
    """Store incidents since the change, from the day on which it began."""
    store.incidents.upsert(
        [
            incident(f"N{n}", opened_at=SINCE + n * HOUR, category=category, assignment="desk")
            for n in range(labelled)
        ]
    )


def ids(count):
    return [f"N{n}" for n in range(count)]


def report(store, at, *alarms):
    store.monitoring_reports.save(MonitoringReport(at, (), alarms, ()))


def raised(signal="label", target="category", since=SINCE, label="Net"):
    return Alarm(signal, f"{label!r} is new", "look", since, (), target, label)


def find(store, registry, targets=()):
    return find_unlearned_changes(store, registry, targets, NOW)


def test_it_says_how_many_labels_are_missing(store, registry):
    fill(store, 12)
    store.incidents.upsert([incident("O1", opened_at=SINCE - HOUR, category="Net")])
    report(store, NOW, raised())
    (change,) = find(store, registry)
    assert (change.labelled, change.needed, change.missing) == (12, NEEDED_LABELS, 18)
    assert change.describe() == (
        "change of category since 2026-04-11: 12 labelled incidents of 30 needed, 18 missing"
    )


def test_with_enough_labels_none_is_missing(store, registry):
    fill(store, 31)
    report(store, NOW, raised())
    assert [change.missing for change in find(store, registry)] == [0]


def test_labels_that_no_training_would_learn_yet_do_not_count(store, registry):
    fill(store, 12)
    late = [incident(f"L{n}", opened_at=NOW - HOUR, category=None) for n in range(9)]
    store.incidents.upsert([*late, incident("L9", opened_at=NOW - HOUR, category="Net")])
    report(store, NOW, raised())
    assert [change.labelled for change in find(store, registry)] == [12]


def test_a_champion_with_too_few_labels_does_not_end_a_change(store, registry):
    fill(store, 31)
    report(store, NOW - 9 * HOUR, raised())
    registry.train(NOW - 8 * HOUR, ids(12))
    report(store, NOW)
    assert [change.missing for change in find(store, registry)] == [0]


def test_a_champion_that_learned_it_ends_it(store, registry):
    fill(store, 31)
    report(store, NOW - 9 * HOUR, raised())
    registry.train(NOW - 8 * HOUR, ids(31))
    assert find(store, registry) == ()


def test_if_it_is_still_seen_after_a_refusal_twice_the_labels_are_needed(store, registry):
    fill(store, 40)
    registry.train(NOW - 8 * HOUR, ids(31), is_refused=True)
    report(store, NOW, raised())
    (change,) = find(store, registry)
    assert (change.needed, change.missing) == (62, 22)


@pytest.mark.parametrize(
    ("alarm", "changed"),
    [
        (raised(), ["category"]),
        (raised("service", None), ["service"]),
        (raised(target="assignment"), []),
        (raised("latency"), []),
        (raised(since=None), ["category"]),
    ],
)
def test_alarms_of_drift_about_a_target_with_a_champion_count(store, registry, alarm, changed):
    report(store, NOW, alarm)
    assert [change.changed for change in find(store, registry)] == changed
    assert find(store, registry, ("severity",)) == ()


def test_of_an_alarm_raised_several_times_the_last_counts(store, registry):
    for day in (3, 2, 1):
        report(store, NOW - timedelta(days=day), raised(since=SINCE - timedelta(days=day)))
    assert [change.since for change in find(store, registry)] == [SINCE - timedelta(days=1)]


def test_an_alarm_of_years_ago_is_over(store, registry):
    report(store, NOW - timedelta(days=400), raised())
    assert find(store, registry) == ()
