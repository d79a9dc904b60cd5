"""What a watch outlives: absurd values, clocks that jump, and a query that cannot be scored."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from models.timeseries.anomaly_model import AnomalyModel


def states(watching):
    return watching.store.series_states.of_watch("watch")


def warnings(caplog):
    return [record for record in caplog.records if record.levelname == "WARNING"]


def anomalies(watching):
    now = datetime.fromtimestamp(watching.now, UTC)
    return watching.store.anomalies.between(now - timedelta(days=2), now)


def only_past(watching, sample):
    """A server with a right clock has nothing of the future."""
    right = watching.now
    return lambda t: sample(t) if t <= right else None


@pytest.mark.parametrize("minutes", [0, 2])
def test_a_restart_that_reads_nothing_goes_on_later(watching, minutes):
    watching.step()
    watching.end()
    if minutes:
        watching.prometheus.answer_with = lambda _: (503, b"down")
    watching.step(minutes)
    labels = {"series": 'errors{instance="a"}', "group": "shop", "service": "checkout"}
    assert watching.metric("precedent_watch_series", query="shop/errors") == 1
    assert watching.metric("precedent_anomaly_score", **labels) is None
    watching.prometheus.answer_with = None
    watching.step()
    assert watching.metric("precedent_anomaly_score", **labels) is not None


@pytest.mark.parametrize("absurd", [math.inf, -math.inf, 1e31])
def test_what_is_no_number_is_a_gap(watching, absurd):
    watching.model = AnomalyModel(step_seconds=60)
    watching.options["history_days"] = 9
    begins = watching.now + 60
    noise = [math.sin(n * n) for n in range(1_009)]
    watching.prometheus.series["errors"] = [
        ({"instance": "a"}, lambda t: absurd if t >= begins else 20 + noise[t // 60 % 1_009])
    ]
    for _ in range(45):
        watching.step()
    (anomaly,) = anomalies(watching)
    assert anomaly.direction == "gap"
    assert watching.alertmanager.posts


def test_a_clock_that_was_ahead_leaves_no_gap(watching, caplog):
    usual = watching.prometheus.series["errors"][0][1]
    watching.step()
    watching.prometheus.series["errors"] = [({"instance": "a"}, only_past(watching, usual))]
    watching.step(minutes=1_440)
    watching.now -= 1_440 * 60
    watching.prometheus.series["errors"] = [({"instance": "a"}, usual)]
    for _ in range(3):
        watching.step()
    (state,) = states(watching).values()
    assert state.seen_until.timestamp() == watching.now - watching.now % 60
    window = watching.session._scorer.queries["shop/errors"].window
    assert not any(map(math.isnan, window.values[0]))
    (warning,) = warnings(caplog)
    assert "the clock was ahead" in warning.getMessage()


def test_what_fires_goes_on_when_the_clock_comes_back(watching):
    begins = watching.now + 120
    usual = watching.prometheus.series["errors"][0][1]

    def broken(time):
        return 100.0 if time >= begins else usual(time)

    watching.prometheus.series["errors"] = [({"instance": "a"}, broken)]
    for _ in range(4):
        watching.step()
    watching.prometheus.series["errors"] = [({"instance": "a"}, only_past(watching, broken))]
    watching.step(minutes=1_440)
    watching.now -= 1_440 * 60
    watching.prometheus.series["errors"] = [({"instance": "a"}, broken)]
    posts = len(watching.alertmanager.posts)
    for _ in range(4):
        watching.step()
    assert len(watching.alertmanager.posts) >= posts + 3
    assert watching.alertmanager.is_firing(watching.now)
    assert not watching.alertmanager.is_firing(watching.now + 3_600)
    (anomaly,) = anomalies(watching)
    assert anomaly.onset_at.timestamp() == pytest.approx(begins, abs=60)
    assert anomaly.ended_at is None


def test_a_clock_that_lags_a_little_is_waited_for(watching):
    watching.step()
    count = len(watching.prometheus.asked)
    watching.step(minutes=-1)
    assert len(watching.prometheus.asked) == count
    watching.step(minutes=2)
    assert watching.model.calls[-1] == (1, 1)


def break_update(model, series, monkeypatch):
    """Make the model fail for as many series, and for more."""
    update = model.update

    def broken(states, times, values, clock=None):
        if (values == series).any():
            raise ArithmeticError("no such number")
        return update(states, times, values, clock)

    monkeypatch.setattr(model, "update", broken)


def test_a_query_that_cannot_be_scored_holds_up_no_other(watching, caplog, monkeypatch):
    watching.prometheus.series["up"] = [({}, lambda t: 7.0)]
    watching.groups[0]["series"].append({"query": "up", "name": "up"})
    watching.step()
    with monkeypatch.context() as patched:
        break_update(watching.model, 7.0, patched)
        for _ in range(20):
            watching.step()
    seen = {key: state.seen_until.timestamp() for key, state in states(watching).items()}
    latest = watching.now - watching.now % 60
    assert seen['shop/errors{instance="a"}'] == latest
    assert seen["shop/up"] < latest
    failures = watching.metric("precedent_watch_failures_total", part="scoring")
    assert 3 <= failures < 10
    (warning,) = warnings(caplog)
    assert warning.fields["query"] == "shop/up"
    assert warning.fields["reason"] == "ArithmeticError: no such number"
    assert warning.exc_info
    for _ in range(6):
        watching.step()
    assert {state.seen_until.timestamp() for state in states(watching).values()} == {
        watching.now - watching.now % 60
    }


def test_a_query_that_cannot_be_followed_holds_up_no_other(watching, caplog, monkeypatch):
    broken = watching.now + 120
    for name in ("errors", "up"):
        watching.prometheus.series[name] = [({}, lambda t: 100.0 if t >= broken else 20.0)]
    watching.groups[0]["series"].append({"query": "up", "name": "up"})
    watching.step()
    tracker = watching.session._scorer._trackers["shop/up"]
    with monkeypatch.context() as patched:
        patched.setattr(tracker, "_flags", lambda *_: 1 / 0)
        for _ in range(8):
            watching.step()
    assert {anomaly.series for anomaly in anomalies(watching)} == {"errors"}
    (warning,) = warnings(caplog)
    assert warning.fields["query"] == "shop/up"
    for _ in range(6):
        watching.step()
    assert {anomaly.series for anomaly in anomalies(watching)} == {"errors", "up"}


def test_an_alertmanager_that_comes_back_hears_before_the_alert_ends_there(watching):
    watching.step()
    begins = watching.now + 60
    watching.prometheus.series["errors"] = [
        ({"instance": "a"}, lambda t: 100.0 if t >= begins else 20.0)
    ]
    watching.alertmanager.answer_with = lambda _: (500, b"")
    for _ in range(10):
        watching.step()
    posts = len(watching.alertmanager.posts)
    for _ in range(10):
        watching.step()
    assert len(watching.alertmanager.posts) == posts + 10
    watching.alertmanager.answer_with = None
    watching.step()
    assert watching.metric("precedent_watch_notifications_total", group="shop") == 1
