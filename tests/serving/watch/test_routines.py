"""Routines of watched series: announced once, over restarts, revoked, and learned again."""

import logging
import re
from datetime import UTC, datetime, timedelta

import pytest

from features.errors import StoreUnavailable
from models.timeseries.anomaly_model import AnomalyModel
from models.timeseries.routines import Routine
from serving.watch import routine_watch
from serving.watch.routine_tracker import RoutineSeries, RoutineTracker
from serving.watch.series_keys import SeriesKey

DAY, HOUR, STEP = 86_400, 3_600, 300
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SERIES = RoutineSeries(SeriesKey.of("shop", "latency", {}), "latency", "checkout", "ms")


def found(size=580.0, upper=900.0, at="06:00"):
    return Routine(at, "day", 1_800.0, 320.0, upper, 4, size)


def test_a_routine_is_new_once_and_then_only_grows():
    tracker = RoutineTracker()
    (first,) = tracker.update(SERIES, [found()], (), NOW)
    assert (first.learned_at, first.lower, first.upper, first.unit) == (NOW, 320.0, 900.0, "ms")
    assert tracker.update(SERIES, [found()], (), NOW + timedelta(days=1)) == []
    (grown,) = tracker.update(SERIES, [found(680.0, 1_000.0, "06:30")], (), NOW + timedelta(days=2))
    assert (grown.id, grown.learned_at, grown.upper, grown.at) == (first.id, NOW, 1_000.0, "06:30")


def test_routines_of_other_sizes_and_directions_are_others():
    tracker = RoutineTracker()
    others = [found(), found(100.0, 420.0), found(-300.0, 330.0)]
    assert len({one.id for one in tracker.update(SERIES, others, (), NOW)}) == 3
    (ended,) = tracker.update(SERIES, others[:2], (), NOW + timedelta(days=1))
    assert (ended.direction, ended.ended_at) == ("down", NOW + timedelta(days=1))


@pytest.mark.parametrize(("days", "is_announced"), [(6, False), (9, True)])
def test_a_routine_that_comes_back_is_announced_again_only_after_a_week(days, is_announced):
    tracker = RoutineTracker()
    (first,) = tracker.update(SERIES, [found()], (), NOW)
    (ended,) = tracker.update(SERIES, [], (), NOW + timedelta(days=1))
    assert ended.ended_at
    later = NOW + timedelta(days=1 + days)
    (again,) = tracker.update(SERIES, [found()], (), later)
    assert (again.id, again.ended_at) == (first.id, None)
    assert again.learned_at == (later if is_announced else NOW)


def test_a_revoked_routine_stays_as_it_is_until_its_series_ends():
    tracker = RoutineTracker()
    (first,) = tracker.update(SERIES, [found()], (), NOW)
    assert tracker.update(SERIES, [], {first.id}, NOW) == []
    assert tracker.update(SERIES, [found(600.0, 920.0)], {first.id}, NOW) == []
    assert tracker.lasting == {SERIES.key}
    (ended,) = tracker.end(SERIES.key, NOW)
    assert (ended.id, ended.ended_at) == (first.id, NOW)
    assert tracker.lasting == set()


def latency(time):
    """About 320, and 900 for half an hour from six o'clock on."""
    running = 6 * HOUR <= time % DAY < 6.5 * HOUR
    return 320 + (time * 7_919 % 997) / 100 + 580 * running


@pytest.fixture
def jobs(watching):
    """A series with a daily job, 25 days of past, and a real model; it is noon."""
    watching.now += DAY - watching.now % DAY + 12 * HOUR
    watching.groups[0]["series"] = [{"query": "latency", "name": "latency", "unit": "ms"}]
    watching.options |= {"history_days": 25, "step_seconds": STEP}
    watching.model = AnomalyModel(step_seconds=STEP)
    watching.prometheus.series = {"latency": [({"pod": "a"}, latency)]}
    return watching


def routines(watching):
    return watching.store.series_routines.all()


def announced(watching):
    return watching.metric("precedent_watch_routines_total", group="shop")


def until_six(watching):
    """Let time pass until shortly before the next run of the job."""
    watching.step((6 * HOUR - 600 - watching.now) % DAY / 60)


def run_of_today(watching):
    """Step through the next run of the job, and return the anomalies that were found in it."""
    until_six(watching)
    begin = datetime.fromtimestamp(watching.now, UTC)
    for _ in range(12):
        watching.step(STEP / 60)
    return [
        anomaly
        for anomaly in watching.store.anomalies.between(begin, begin + timedelta(hours=1))
        if anomaly.onset_at >= begin - timedelta(hours=1)
    ]


def test_a_routine_is_announced_once_over_steps_and_restarts(jobs, caplog):
    caplog.set_level(logging.INFO, "serving.watch.routine_watch")
    jobs.step()
    (routine,) = routines(jobs)
    assert (routine.series, routine.service, routine.unit) == ('latency{pod="a"}', "checkout", "ms")
    assert (routine.at, routine.every, routine.direction) == ("06:00", "day", "up")
    assert routine.lower < 340
    assert routine.upper == pytest.approx(905, abs=6)
    (record,) = caplog.records
    assert re.fullmatch(
        r"daily 06:00, \d+ min, 3\d\d to 9\d\d ms; no longer flagged", record.fields["routine"]
    )
    assert announced(jobs) == 1
    assert run_of_today(jobs) == []
    jobs.end()
    jobs.step(3 * DAY / 60)
    (later,) = routines(jobs)
    assert (later.id, later.learned_at) == (routine.id, routine.learned_at)
    assert later.days_seen > routine.days_seen
    assert announced(jobs) == 1


def test_a_revoked_routine_is_flagged_from_the_next_day_on_until_it_is_restored(jobs):
    jobs.step()
    (routine,) = routines(jobs)
    jobs.store.series_routines.revoke(routine.id, "Ana", NOW)
    (tomorrow,) = run_of_today(jobs)
    assert (tomorrow.direction, tomorrow.alarms_per_week) == ("up", 0.0)
    jobs.end()
    jobs.step(14 * DAY / 60)
    assert run_of_today(jobs)
    (still,) = routines(jobs)
    assert (still.id, still.upper, still.revoked_by) == (routine.id, routine.upper, "Ana")
    assert announced(jobs) == 1
    jobs.store.series_routines.restore(routine.id, datetime.fromtimestamp(jobs.now, UTC))
    for _ in range(6):
        jobs.step(DAY / 60)
    (restored,) = routines(jobs)
    assert (restored.id, restored.ended_at, restored.revoked_at) == (routine.id, None, None)
    assert run_of_today(jobs) == []
    assert announced(jobs) == 1


def test_the_routine_of_a_series_that_vanished_ends(jobs):
    jobs.step()
    jobs.prometheus.series = {"latency": [({"pod": "b"}, latency)]}
    jobs.step(8 * DAY / 60)
    jobs.step(61)
    ended = {one.series: one.ended_at is not None for one in routines(jobs)}
    assert ended['latency{pod="a"}'] is True


def test_many_series_are_looked_at_over_several_steps(jobs, monkeypatch):
    monkeypatch.setattr(routine_watch, "MOST_SERIES", 2)
    jobs.prometheus.series["latency"] = [({"pod": str(pod)}, latency) for pod in range(5)]
    jobs.step()
    assert len(routines(jobs)) == 2
    for count in (4, 5, 5):
        jobs.step(STEP / 60)
        assert len(routines(jobs)) == count
    assert announced(jobs) == 5


def test_what_cannot_be_saved_is_announced_when_it_is(jobs, monkeypatch):
    session = jobs.begin()
    store = jobs.store.series_routines

    def refuse(_routines):
        raise StoreUnavailable("full")

    with monkeypatch.context() as patched:
        patched.setattr(store, "record", refuse)
        with pytest.raises(StoreUnavailable):
            jobs.step()
    assert announced(jobs) is None
    session.step()
    assert len(routines(jobs)) == 1
    assert announced(jobs) == 1
