"""Warnings of breaches: when they begin and end, what is sent and kept, and their budget."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import numpy as np
import pytest

from features.domain.telemetry.breach_warning import BreachWarning
from features.domain.telemetry.series_anomaly import SeriesPoints
from models.timeseries.forecast.breach_forecast import Breach, BreachForecast
from serving.watch.breaches.breach_tracker import BreachTracker, WarnedSeries
from serving.watch.series_keys import SeriesKey

DAY, HOUR = 86_400, 3_600
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
PROMQL = "max_over_time((disk)[300s:60s])"


def forecast(probability, *, is_beyond=False):
    at = NOW.timestamp() + HOUR
    breach = Breach(6.0 * HOUR, probability, at, at - 600, at + 600)
    return BreachForecast(int(at), 4.0, is_beyond, (breach,), np.zeros(0), np.zeros(0))


def series(name="disk"):
    return WarnedSeries(SeriesKey.of("db", name, {}), name, "db", "%", 90.0, "above")


def update(tracker, probability, hours=0.0, *, is_beyond=False, name="disk"):
    now = NOW + timedelta(hours=hours)
    future = forecast(probability, is_beyond=is_beyond)
    return tracker.update(series(name), future, 0.6, now, lambda: drawn(probability))


def drawn(value):
    return SeriesPoints((int(NOW.timestamp()),), (value,), (None,), (None,), (None,))


def test_a_warning_begins_at_the_threshold_and_ends_when_the_level_is_reached():
    tracker = BreachTracker("db", 1)
    assert update(tracker, 0.59) is None
    warning = update(tracker, 0.7)
    assert warning is not None
    assert (warning.probability, warning.ended_at) == (0.7, None)
    later = update(tracker, 0.9, 0.25)
    assert later is not None
    assert (later.id, later.probability) == (warning.id, 0.9)
    assert later.points == drawn(0.9)
    ended = update(tracker, 1.0, 0.5, is_beyond=True)
    assert ended is not None
    assert ended.is_reached is True
    assert ended.points == drawn(0.9)
    assert update(tracker, 1.0, 0.75, is_beyond=True) is None


@pytest.mark.parametrize(("probability", "hours"), [(0.7, 6.0), (0.29, 1.0)])
def test_a_warning_is_false_after_six_hours_or_when_taken_back(probability, hours):
    tracker = BreachTracker("db", 3)
    update(tracker, 0.7)
    ended = update(tracker, probability, hours)
    assert ended is not None
    assert ended.is_reached is False


def test_a_false_warning_is_not_repeated_within_six_hours():
    tracker = BreachTracker("db", 3)
    update(tracker, 0.7)
    update(tracker, 0.1, 1.0)
    assert update(tracker, 0.9, 2.0) is None
    assert update(tracker, 0.9, 6.0) is not None


def test_once_the_budget_is_spent_only_what_is_nearly_certain_is_warned_of():
    tracker = BreachTracker("db", 1)
    update(tracker, 0.7)
    update(tracker, 0.1, 1.0)
    assert update(tracker, 0.9, 2.0, name="other") is None
    assert update(tracker, 0.97, 2.0, name="other") is not None
    assert update(tracker, 0.7, 8 * 24.0, name="third") is not None


def test_an_earlier_watch_is_continued_with_its_open_and_false_warnings():
    first = BreachTracker("db", 1)
    warning = update(first, 0.7)
    second = BreachTracker("db", 1)
    second.restore([warning])
    continued = update(second, 0.8, 1.0)
    assert continued is not None
    assert continued.id == warning.id
    third = BreachTracker("db", 1)
    third.restore([replace(warning, ended_at=NOW, is_reached=False)])
    assert update(third, 0.9, 2.0, name="other") is None


@pytest.fixture
def disk(watching):
    """A disk that fills by 1.2 an hour, and is full in about four hours."""
    begins = watching.now - 21 * DAY
    watching.groups[0]["series"] = [{"query": "disk", "name": "disk", "unit": "%", "level": 90}]
    watching.options["history_days"] = 3

    def used(time):
        return 90 - 1.2 * (watching_full - time) / HOUR if time > begins else None

    watching_full = watching.now + 4 * HOUR
    sample = [({"host": "db-1"}, used)]
    watching.prometheus.series = {"disk": sample, PROMQL: sample}
    return watching


def open_warnings(watching):
    return watching.store.breach_warnings.open()


def posted(watching, name="PrecedentBreachForecast"):
    alerts = [alert for post in watching.alertmanager.posts for alert in post]
    return [alert for alert in alerts if alert["labels"]["alertname"] == name]


def test_a_disk_that_fills_is_warned_of_and_the_warning_ends_when_it_is_full(disk):
    disk.step()
    (warning,) = open_warnings(disk)
    assert warning.series == 'disk{host="db-1"}'
    assert warning.service == "checkout"
    assert warning.probability > 0.8
    full_at = datetime.fromtimestamp(disk.now + 4 * HOUR, UTC)
    assert abs(warning.at - full_at) < timedelta(hours=1)
    assert_drawn(warning, disk.now, full_at.timestamp())
    alert = posted(disk)[-1]
    assert alert["labels"]["series"] == warning.series
    assert "will probably reach 90 %" in alert["annotations"]["summary"]
    assert datetime.fromisoformat(alert["endsAt"]).timestamp() > disk.now
    disk.step(minutes=250)
    assert open_warnings(disk) == ()
    (ended,) = disk.store.breach_warnings.since(warning.warned_at)
    assert ended.is_reached is True
    assert datetime.fromisoformat(posted(disk)[-1]["endsAt"]).timestamp() <= disk.now


def assert_drawn(warning, now, full_at):
    points = warning.points
    is_past = [time <= now for time in points.times]
    assert 100 < sum(is_past) <= 120
    assert [value is not None for value in points.values] == is_past
    assert [value is None for value in points.expected] == is_past
    assert points.times[-1] == pytest.approx(now + 6 * HOUR, abs=900)
    crossing = next(
        time for time, value in zip(points.times, points.expected, strict=True) if (value or 0) > 90
    )
    assert abs(crossing - full_at) < HOUR


def test_the_past_is_read_once_and_then_only_what_is_new(disk):
    disk.step()
    disk.prometheus.asked.clear()
    disk.step(minutes=15)
    asked = [body for body in disk.prometheus.asked if "max_over_time" in body]
    assert len(asked) == 1
    form = {
        name: float(values[0]) for name, values in parse_qs(asked[0]).items() if name != "query"
    }
    assert form["end"] - form["start"] <= 15 * 60


def test_a_restart_sends_no_second_warning(disk):
    disk.step()
    disk.end()
    disk.step(minutes=15)
    assert len(open_warnings(disk)) == 1
    assert len({alert["startsAt"] for alert in posted(disk)}) == 1


def test_the_warning_of_a_query_that_is_no_longer_forecast_ends(disk):
    disk.step()
    disk.end()
    del disk.groups[0]["series"][0]["level"]
    disk.step(minutes=15)
    assert open_warnings(disk) == ()
    assert datetime.fromisoformat(posted(disk)[-1]["endsAt"]).timestamp() <= disk.now


def test_what_alertmanager_refuses_is_sent_again(disk):
    disk.alertmanager.answer_with = lambda _: (500, b"no")
    disk.step()
    assert len(open_warnings(disk)) == 1
    disk.alertmanager.answer_with = None
    disk.alertmanager.asked.clear()
    disk.step()
    assert posted(disk)


def test_the_warning_of_a_series_that_falls_silent_ends_without_an_outcome(disk):
    disk.step()
    silent_from = disk.now
    ((labels, used),) = disk.prometheus.series["disk"]
    sample = [(labels, lambda time: used(time) if time < silent_from else None)]
    disk.prometheus.series = {"disk": sample, PROMQL: sample}
    disk.step(minutes=90)
    assert open_warnings(disk) == ()
    (ended,) = disk.store.breach_warnings.since(datetime.fromtimestamp(0, UTC))
    assert ended.is_reached is None


def test_a_query_without_a_level_is_not_forecast(watching):
    watching.step()
    assert not [body for body in watching.prometheus.asked if "over_time" in body]


def test_many_series_are_forecast_over_several_steps(disk, monkeypatch):
    ((_, used),) = disk.prometheus.series["disk"]
    sample = [({"host": f"db-{number}"}, used) for number in range(4)]
    disk.prometheus.series = {"disk": sample, PROMQL: sample}
    session = disk.begin()
    ticks = iter(range(0, 10_000, 3))
    monkeypatch.setattr(session._breaches, "_monotonic", lambda: next(ticks))
    session.step()
    assert len(open_warnings(disk)) == 1
    for _ in range(3):
        session.step()
    assert len(open_warnings(disk)) == 4


def test_a_failing_past_does_not_stop_the_watch(disk):
    del disk.prometheus.series[PROMQL]
    disk.prometheus.answer_with = lambda body: (
        (500, b"no") if "over_time" in body else disk.prometheus.answer(body)
    )
    disk.step()
    assert open_warnings(disk) == ()
    assert disk.model.calls


def test_warnings_are_kept_by_id_and_deleted_with_other_telemetry(store):
    warning = BreachWarning(
        "db/disk@x", "db", "disk", None, "%", 90.0, "above", 0.8, NOW, NOW, NOW, NOW
    )
    store.breach_warnings.record([warning])
    newer = replace(warning, probability=0.9, points=drawn(89.5))
    store.breach_warnings.record([newer])
    assert store.breach_warnings.open() == (newer,)
    assert store.telemetry.delete_before(NOW + timedelta(days=1)) == 1
    assert store.breach_warnings.open() == ()
