"""Steps of a watch: from the first sight of a series to the alert that ends, and what may fail."""

import json
import math
from datetime import UTC, datetime, timedelta
from itertools import groupby

import pytest

from features.domain.telemetry.change import Change
from features.errors import StoreUnavailable
from models.base.predictions import SuggestedRunbook


def broken_from(time, value=100.0):
    """Usual at first, then far away."""
    return lambda t: value if t >= time else 20 + math.sin(t / 600)


def only_until(time):
    return lambda t: 20 + math.sin(t / 600) if t < time else None


def kept(watching):
    now = datetime.fromtimestamp(watching.now, UTC)
    return watching.store.anomalies.between(now - timedelta(days=2), now)


def states(watching):
    return watching.store.series_states.of_watch("watch")


def start_trouble(watching, *, value=100.0, lasts_minutes=10**6):
    begins = watching.now + 60
    ends = begins + 60 * lasts_minutes
    usual = watching.prometheus.series["errors"][0][1]
    watching.prometheus.series["errors"] = [
        ({"instance": "a"}, lambda t: value if begins <= t < ends else usual(t))
    ]


def test_a_new_series_is_read_from_the_past_and_saved(watching):
    watching.begin()
    wait = watching.step()
    (key, state), *others = states(watching).items()
    assert key == 'shop/errors{instance="a"}'
    assert not others
    assert state.labels == {"instance": "a"}
    assert (state.tier, state.step_seconds) == ("full", 60)
    assert state.seen_until.timestamp() == watching.now - watching.now % 60
    assert sum(points for _, points in watching.model.calls) == 73
    assert 0 < wait <= 60


def test_each_step_reads_one_more_point(watching):
    for _ in range(5):
        watching.step()
    assert watching.model.calls[-4:] == [(1, 1)] * 4


def test_an_anomaly_is_kept_told_and_ended(watching):
    watching.step()
    start_trouble(watching, lasts_minutes=5)
    for _ in range(3):
        watching.step()
    alert = watching.alertmanager.latest
    assert alert["labels"] == {
        "alertname": "PrecedentAnomaly",
        "group": "shop",
        "service": "checkout",
        "series": 'errors{instance="a"}',
        "severity": "warning",
    }
    assert alert["annotations"]["summary"].startswith('errors{instance="a"} is up by 8')
    assert alert["annotations"]["link"].startswith("http://127.0.0.1:8000/?q=errors%7Binstance")
    assert alert["generatorURL"] == f"{watching.prometheus.url}/graph?g0.expr=errors&g0.tab=0"
    assert watching.alertmanager.is_firing(watching.now)
    (anomaly,) = kept(watching)
    assert anomaly.ended_at is None
    assert (anomaly.service, anomaly.unit, anomaly.direction) == ("checkout", "1/s", "up")
    assert watching.metric("precedent_watch_firing") == 1
    for _ in range(200):
        watching.step()
        if not watching.alertmanager.is_firing(watching.now):
            break
    (ended,) = kept(watching)
    assert ended.id == anomaly.id
    assert ended.ended_at is not None
    labels = {json.dumps(post[0]["labels"]) for post in watching.alertmanager.posts}
    starts = {post[0]["startsAt"] for post in watching.alertmanager.posts}
    assert (len(labels), len(starts)) == (1, 1)
    posts = len(watching.alertmanager.posts)
    watching.step()
    assert len(watching.alertmanager.posts) == posts
    assert watching.metric("precedent_watch_notifications_total", group="shop") == 1
    assert watching.metric("precedent_watch_firing") == 0


def test_one_that_comes_back_within_the_hour_is_the_same_one(watching):
    watching.step()
    begins = watching.now + 60
    bad = [range(120), range(1_800, 1_920)]
    usual = watching.prometheus.series["errors"][0][1]
    watching.prometheus.series["errors"] = [
        (
            {"instance": "a"},
            lambda t: 100.0 if any(int(t - begins) in span for span in bad) else usual(t),
        )
    ]
    firing = []
    for _ in range(45):
        watching.step()
        posts = watching.alertmanager.posts
        firing.append(bool(posts) and watching.alertmanager.is_firing(watching.now))
    assert [now for now, _ in groupby(firing)] == [False, True, False, True, False]
    assert len(kept(watching)) == 1
    assert len({post[0]["startsAt"] for post in watching.alertmanager.posts}) == 1


def test_what_fires_is_sent_again_each_minute_with_a_later_end(watching):
    watching.step()
    start_trouble(watching)
    for _ in range(4):
        watching.step()
    ends = [post[0]["endsAt"] for post in watching.alertmanager.posts]
    assert len(ends) >= 3
    assert ends == sorted(set(ends))


def test_the_kept_anomaly_shows_the_points_around_it(watching):
    watching.options["history_days"] = 0.3
    watching.step()
    start_trouble(watching, lasts_minutes=5)
    for _ in range(3):
        watching.step()
    for _ in range(19):
        watching.step(minutes=10)
    (anomaly,) = kept(watching)
    points = anomaly.points
    onset = anomaly.onset_at.timestamp()
    assert points.times[0] == onset - 3 * 3600
    assert points.times[-1] == onset + 3 * 3600
    assert len(points.times) == len(points.values) == len(points.upper) == 361
    assert points.values[points.times.index(int(onset))] == 100
    assert sorted(set(points.times)) == list(points.times)


def test_what_is_over_before_the_watch_begins_is_kept_but_not_told(watching):
    begun = watching.now - 40 * 60
    usual = watching.prometheus.series["errors"][0][1]
    watching.prometheus.series["errors"] = [
        ({}, lambda t: 100.0 if begun <= t < begun + 120 else usual(t))
    ]
    watching.step()
    for _ in range(6):
        watching.step(minutes=10)
    assert len(kept(watching)) == 1
    assert watching.alertmanager.posts == []


def test_a_restart_goes_on_where_it_was_and_reads_the_hole(watching):
    watching.step()
    start_trouble(watching)
    for _ in range(3):
        watching.step()
    before = watching.alertmanager.latest
    watching.end()
    watching.step(minutes=30)
    assert watching.model.calls[-1] == (1, 30)
    after = watching.alertmanager.latest
    assert after["labels"] == before["labels"]
    assert after["startsAt"] == before["startsAt"]
    assert len(kept(watching)) == 1


def test_an_anomaly_that_ends_while_nobody_watches_is_ended_afterwards(watching):
    watching.step()
    start_trouble(watching, lasts_minutes=5)
    for _ in range(3):
        watching.step()
    assert watching.alertmanager.is_firing(watching.now)
    watching.end()
    watching.step(minutes=180)
    for _ in range(3):
        watching.step()
    assert not watching.alertmanager.is_firing(watching.now)
    (anomaly,) = kept(watching)
    assert anomaly.ended_at is not None


def test_a_crash_between_saves_repeats_the_step_and_nothing_else(watching, monkeypatch):
    watching.step()
    start_trouble(watching)

    def crash(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(watching.store.series_states, "save", crash)
        with pytest.raises(KeyboardInterrupt):
            watching.step()
    watching.end()
    for _ in range(3):
        watching.step()
    assert len(kept(watching)) == 1
    assert len({post[0]["startsAt"] for post in watching.alertmanager.posts}) == 1


def test_a_store_that_fails_is_saved_to_before_more_is_read(watching, monkeypatch):
    watching.step()
    count = len(watching.prometheus.asked)

    def refuse(*_):
        raise StoreUnavailable("busy")

    with monkeypatch.context() as patched:
        patched.setattr(watching.store.series_states, "save", refuse)
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                watching.step()
    assert len(watching.prometheus.asked) == count + 1
    watching.step()
    (state,) = states(watching).values()
    assert state.seen_until.timestamp() == watching.now - watching.now % 60


def test_a_series_that_vanishes_is_a_gap_and_one_that_appears_begins(watching):
    watching.step()
    vanishes = watching.now
    watching.prometheus.series["errors"] = [
        ({"instance": "a"}, only_until(vanishes)),
        ({"instance": "b"}, lambda t: 5.0 if t > vanishes else None),
    ]
    for _ in range(3):
        watching.step()
    assert len(states(watching)) == 2
    assert watching.model.calls[-1] == (2, 1)


def test_a_series_that_stays_away_for_a_week_is_forgotten(watching):
    watching.prometheus.series["errors"].append(({"instance": "b"}, only_until(watching.now)))
    watching.step()
    assert len(states(watching)) == 2
    watching.options["history_days"] = 8
    watching.step(minutes=8 * 24 * 60)
    watching.begin()
    watching.step()
    watching.step(minutes=8 * 24 * 60)
    assert list(states(watching)) == ['shop/errors{instance="a"}']


def test_series_that_vanished_make_room(watching):
    watching.options["max_series"] = 2
    watching.step()
    for number in range(6):
        watching.prometheus.series["errors"] = [
            ({"instance": "a"}, lambda t: 20 + math.sin(t / 600)),
            ({"pod": str(number)}, lambda t: 1.0),
        ]
        watching.step()
    assert set(states(watching)) == {'shop/errors{instance="a"}', 'shop/errors{pod="5"}'}


def test_a_raw_counter_is_watched_by_its_increase_and_may_reset(watching):
    watching.groups[0]["series"][0]["counter"] = True
    reset = watching.now + 150
    watching.prometheus.series["errors"] = [
        ({"instance": "a"}, lambda t: 120.0 * (t - reset if t >= reset else t))
    ]
    for _ in range(8):
        watching.step()
    values = watching.session._scorer.queries["shop/errors"].window.values[0]
    assert all(0 <= value <= 120 for value in values)
    assert values[-1] == 120
    watching.end()
    watching.step()
    values = watching.session._scorer.queries["shop/errors"].window.values[0]
    assert values.tolist() == [120]


def test_a_query_that_changes_begins_anew(watching):
    watching.step()
    watching.prometheus.series["errors / 2"] = watching.prometheus.series["errors"]
    watching.groups[0]["series"][0]["query"] = "errors / 2"
    watching.end()
    watching.step()
    assert sum(points for _, points in watching.model.calls[-2:]) >= 73


def test_what_is_no_longer_in_the_file_is_forgotten_and_ended(watching):
    watching.step()
    start_trouble(watching)
    for _ in range(3):
        watching.step()
    assert watching.alertmanager.is_firing(watching.now)
    watching.prometheus.series["up"] = [({}, lambda t: 1.0)]
    watching.groups[0]["series"] = [{"query": "up", "name": "up"}]
    watching.end()
    watching.step()
    assert list(states(watching)) == ["shop/up"]
    assert not watching.alertmanager.is_firing(watching.now)
    (anomaly,) = kept(watching)
    assert anomaly.ended_at is not None


def test_queries_of_one_tier_are_scored_by_one_call(watching):
    watching.prometheus.series["up"] = [({"n": str(n)}, lambda t: 1.0) for n in range(5)]
    watching.groups[0]["series"].append({"query": "up", "name": "up"})
    watching.step()
    watching.step()
    assert watching.model.calls[-1] == (6, 1)


def test_a_query_that_fails_holds_up_no_other(watching, caplog):
    def answer(body):
        if "nonsense" in body:
            return 200, b"<html>"
        return watching.prometheus.answer(body)

    watching.prometheus.answer_with = answer
    watching.groups[0]["series"].append({"query": "nonsense", "name": "nonsense"})
    for _ in range(20):
        watching.step()
    assert list(states(watching)) == ['shop/errors{instance="a"}']
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    assert [warning.fields["query"] for warning in warnings] == ["shop/nonsense"]
    count = sum("nonsense" in body for body in watching.prometheus.asked)
    assert count < 14
    assert watching.metric("precedent_watch_failures_total", part="prometheus") == count


def test_a_prometheus_that_comes_back_is_read_from_where_it_was(watching, caplog):
    caplog.set_level("INFO")
    watching.step()
    watching.prometheus.answer_with = lambda _: (503, b"")
    for _ in range(10):
        watching.step()
    watching.prometheus.answer_with = None
    for _ in range(10):
        watching.step()
    (state,) = states(watching).values()
    assert state.seen_until.timestamp() == watching.now - watching.now % 60
    messages = [
        record.getMessage() for record in caplog.records if "a query" in record.getMessage()
    ]
    assert messages == ["a query fails", "a query works again"]
    assert sum(points for _, points in watching.model.calls) == 73 + 20


def test_too_large_an_answer_is_asked_for_in_parts(watching):
    def answer(body):
        status, content = watching.prometheus.answer(body)
        return (
            (422, b'{"status":"error","error":"too many samples"}')
            if len(content) > 900
            else (
                status,
                content,
            )
        )

    watching.prometheus.answer_with = answer
    for _ in range(40):
        watching.step()
    (state,) = states(watching).values()
    assert state.seen_until.timestamp() == watching.now - watching.now % 60


def test_too_many_series_are_a_named_problem_of_that_query(watching, caplog):
    watching.options["max_series"] = 3
    watching.prometheus.series["pods"] = [({"n": str(n)}, lambda t: 1.0) for n in range(4)]
    watching.groups[0]["series"].append({"query": "pods", "name": "pods"})
    watching.step()
    assert list(states(watching)) == ['shop/errors{instance="a"}']
    (warning,) = (record for record in caplog.records if record.levelname == "WARNING")
    assert warning.fields["query"] == "shop/pods"
    assert "selects 4 series, more than the 3 allowed" in warning.fields["reason"]


def test_an_alertmanager_that_refuses_hears_of_it_later(watching, caplog):
    watching.step()
    watching.alertmanager.answer_with = lambda _: (500, b"")
    start_trouble(watching)
    for _ in range(10):
        watching.step()
    assert watching.metric("precedent_watch_notifications_total", group="shop") is None
    watching.alertmanager.answer_with = None
    for _ in range(10):
        watching.step()
    assert watching.metric("precedent_watch_notifications_total", group="shop") == 1
    assert watching.alertmanager.is_firing(watching.now)
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    assert [warning.getMessage() for warning in warnings] == ["Alertmanager fails"]


def test_values_no_metric_has_harm_no_other_series(watching):
    wild = [float("inf"), -1e308, 1e308, float("nan"), 0.0]
    watching.prometheus.series["errors"].append(
        ({"instance": "wild"}, lambda t: wild[t // 60 % len(wild)])
    )
    for _ in range(5):
        watching.step()
    start_trouble(watching)
    watching.step()
    watching.step()
    names = {alert["labels"]["series"] for post in watching.alertmanager.posts for alert in post}
    assert 'errors{instance="a"}' in names


def test_a_runbook_is_suggested_once(watching):
    reports = []

    def suggest(report):
        reports.append(report)
        return SuggestedRunbook("errors", "Errors at checkout", 0.9, url="http://runbooks/errors")

    watching.suggest_runbook = suggest
    watching.step()
    start_trouble(watching)
    for _ in range(4):
        watching.step()
    (report,) = reports
    assert report.service == "checkout"
    assert 'errors{instance="a"} is up' in report.title
    annotations = watching.alertmanager.latest["annotations"]
    assert annotations["runbook"] == "Errors at checkout"
    assert annotations["runbook_url"] == "http://runbooks/errors"


def test_old_telemetry_is_cleared_once_a_day(watching):
    now = datetime.fromtimestamp(watching.now, UTC)
    changes = [
        Change(str(days), None, now - timedelta(days=days), "deploy", "") for days in (399, 401)
    ]
    watching.store.changes.record(changes)
    watching.step()
    recorded = watching.store.changes.between(now - timedelta(days=450), now)
    assert [change.id for change in recorded] == ["399"]


def test_the_band_stays_within_the_bounds(watching):
    watching.groups[0]["series"][0]["bounds"] = [15, 25]
    watching.step()
    labels = {"series": 'errors{instance="a"}', "group": "shop", "service": "checkout"}
    assert watching.metric("precedent_lower_bound", **labels) == 15
    assert watching.metric("precedent_upper_bound", **labels) == 25


def test_a_query_without_an_answer_is_asked_again(watching):
    watching.prometheus.series.clear()
    watching.step()
    assert not states(watching)
    watching.prometheus.series["errors"] = [({"instance": "late"}, lambda t: 1.0)]
    watching.step()
    assert len(states(watching)) == 1


def test_a_burst_over_all_series_is_one_notification(watching):
    broken = watching.now + 60
    watching.prometheus.series["errors"] = [
        ({"n": str(n)}, lambda t, n=n: n + (1000.0 if t >= broken else 0)) for n in range(300)
    ]
    for _ in range(3):
        watching.step()
    assert watching.metric("precedent_watch_notifications_total", group="shop") == 1
    assert len(kept(watching)) == 300
    assert watching.alertmanager.latest["annotations"]["also"].endswith("; and 289 more")


def test_scores_are_shown_to_prometheus(watching):
    watching.step()
    watching.step()
    labels = {"series": 'errors{instance="a"}', "group": "shop", "service": "checkout"}
    assert watching.metric("precedent_anomaly_score", **labels) < 5
    assert watching.metric("precedent_lower_bound", **labels) < 20
    assert watching.metric("precedent_expected_value", **labels) == pytest.approx(20, abs=2)
    assert watching.metric("precedent_upper_bound", **labels) > 20
    assert watching.metric("precedent_watch_lag_seconds", query="shop/errors") == 15
    assert watching.metric("precedent_watch_series", query="shop/errors") == 1


def test_days_and_weeks_are_those_of_the_time_zone(watching):
    watching.options["time_zone"] = "Europe/Berlin"
    watching.step()
    read_until = max(int(clock[-1]) for clock in watching.model.clocks)
    assert read_until == watching.now - watching.now % 60 + 3_600
