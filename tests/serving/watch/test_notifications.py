"""Which anomalies are one notification, when it is due, and what it says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from features.domain.telemetry.series_anomaly import SeriesAnomaly
from models.base.predictions import SuggestedRunbook
from serving.runtime.http_client import RequestFailed
from serving.watch.alert_payload import AlertWriter, alert_labels, summarise
from serving.watch.notifications import NotificationGroups
from serving.watch.series_keys import SeriesKey, series_name

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def minutes(number):
    return timedelta(minutes=number)


def anomaly(name, after, *, group="shop", ended=None, **others):
    at = NOON + minutes(after)
    usual = SeriesAnomaly(
        id=SeriesKey(group, name).anomaly_id(at),
        series=name,
        service=None,
        labels={},
        unit=None,
        onset_at=at,
        detected_at=at + minutes(1),
        ended_at=None if ended is None else NOON + minutes(ended),
        effect=3.0,
        expected=1.0,
        value=4.0,
        score=9.0,
        alarms_per_week=0.01,
        channel="level",
        direction="up",
    )
    return replace(usual, **others)


@pytest.fixture
def book():
    return NotificationGroups()


def leads(notifications):
    return [notification.lead.series for notification in notifications]


def test_what_comes_within_ten_minutes_in_a_group_is_one(book):
    book.add([anomaly("a", 0), anomaly("b", 9), anomaly("c", 18), anomaly("d", 29)], NOON)
    first, second = book.firing
    assert leads([first, second]) == ["a", "d"]
    assert [member.series for member in first.anomalies.values()] == ["a", "b", "c"]


def test_groups_are_told_apart(book):
    book.add([anomaly("a", 0), anomaly("a", 0, group="bank")], NOON)
    assert {notification.group for notification in book.firing} == {"shop", "bank"}


def test_a_leading_series_that_goes_wrong_again_joins_its_own_notification(book):
    book.add([anomaly("a", 0, ended=20), anomaly("b", 1)], NOON)
    book.add([anomaly("a", 120)], NOON)
    (firing,) = book.firing
    assert len(firing.anomalies) == 3
    assert alert_labels(firing)["series"] == "a"


def test_it_is_due_at_once_then_each_minute_and_when_it_ends(book):
    book.add([anomaly("a", 0)], NOON)
    assert leads(book.due(NOON)) == ["a"]
    assert book.record_sent(book.due(NOON), NOON)
    assert not book.due(NOON + minutes(0.9))
    assert book.due(NOON + minutes(1))
    assert not book.record_sent(book.due(NOON + minutes(1)), NOON + minutes(1))
    book.add([anomaly("a", 0, ended=2)], NOON + minutes(2))
    assert not book.firing
    (ended,) = book.due(NOON + minutes(2))
    book.record_sent([ended], NOON + minutes(2))
    assert not book.due(NOON + minutes(9))


def test_what_began_and_ended_while_nobody_watched_is_told_once(book):
    book.add([anomaly("a", 0, ended=1)], NOON + minutes(5))
    (untold,) = book.due(NOON + minutes(5))
    assert untold.is_untold
    book.record_sent([untold], NOON + minutes(5))
    assert not book.due(NOON + minutes(6))


def test_what_ended_long_ago_is_not_told(book):
    book.add([anomaly("a", 0, ended=1)], NOON + minutes(12))
    assert not book.due(NOON + minutes(12))


def test_what_an_earlier_watch_saw_end_is_not_told_again(book):
    book.restore([anomaly("a", 0, ended=1)], NOON + minutes(5))
    assert not book.due(NOON + minutes(5))


def test_what_went_on_and_ended_while_nobody_watched_is_told(book):
    book.restore([anomaly("a", 0, ended=1)], NOON + minutes(5))
    book.add([anomaly("a", 0, ended=4)], NOON + minutes(6))
    (untold,) = book.due(NOON + minutes(6))
    assert untold.is_untold


def test_the_lead_stays_once_it_was_sent(book):
    book.add([anomaly("b", 5)], NOON)
    book.record_sent(book.due(NOON), NOON)
    book.add([anomaly("a", 0)], NOON)
    assert leads(book.firing) == ["b"]
    assert book.due(NOON)


def test_it_is_the_same_after_a_restart(book):
    past = [anomaly("a", 0, ended=30), anomaly("b", 5), anomaly("c", 60, ended=61)]
    book.add(past, NOON)
    book.record_sent(book.due(NOON), NOON)
    restarted = NotificationGroups()
    restarted.restore(past, NOON + minutes(70))
    assert leads(restarted.firing) == leads(book.firing) == ["a"]
    assert restarted.due(NOON + minutes(70))
    restarted.refresh([anomaly("b", 5, ended=71)])
    (ended,) = restarted.due(NOON + minutes(72))
    assert ended.ended_at == NOON + minutes(71)


def test_what_is_long_over_is_forgotten(book):
    book.add([anomaly("a", 0, ended=1)], NOON)
    book.add([anomaly("b", 60 * 30)], NOON + minutes(60 * 30))
    assert leads(book._notifications) == ["b"]


def write(book, now=NOON):
    writer = AlertWriter(prometheus_url="http://p", step_seconds=60, link=None)
    (notification,) = book.firing or book.due(now)
    (alert,) = writer.write([(notification, 'up{a="b"}')], now)
    return alert


class Searching:
    """Suggests runbooks, each after so many seconds; raises `error` where it is given."""

    def __init__(self, seconds=0.0, error=None):
        self.now = 0.0
        self.seconds = seconds
        self.error = error
        self.asked = 0

    def __call__(self, _report):
        self.asked += 1
        self.now += self.seconds
        if self.error:
            raise self.error
        return SuggestedRunbook("r", "Restart it", 0.9)


def writer_of(searching):
    return AlertWriter(
        prometheus_url="http://p",
        step_seconds=60,
        suggest_runbook=searching,
        monotonic=lambda: searching.now,
    )


def test_a_runbook_whose_search_failed_is_searched_for_again(book):
    book.add([anomaly("a", 0)], NOON)
    searching = Searching(error=RequestFailed("down"))
    writer = writer_of(searching)
    firing = [(notification, "up") for notification in book.firing]
    (alert,) = writer.write(firing, NOON)
    assert "runbook" not in alert.annotations
    searching.error = None
    for _ in range(2):
        (alert,) = writer.write(firing, NOON)
        assert alert.annotations["runbook"] == "Restart it"
    assert searching.asked == 2


def test_slow_searches_do_not_keep_notifications_back_for_long(book):
    book.add([anomaly("a", 0, group=f"g{n}") for n in range(10)], NOON)
    searching = Searching(seconds=2.0)
    writer = writer_of(searching)
    firing = [(notification, "up") for notification in book.firing]
    alerts = writer.write(firing, NOON)
    assert len(alerts) == 10
    assert searching.asked == 3
    assert sum("runbook" in alert.annotations for alert in alerts) == 3
    writer.write(firing, NOON)
    assert searching.asked == 6


def test_a_notification_sent_by_a_clock_that_was_ahead_is_sent_again(book):
    book.add([anomaly("a", 0)], NOON)
    book.record_sent(book.due(NOON), NOON + minutes(1_440))
    assert book.due(NOON + minutes(2))


def test_an_alert_ends_by_itself_when_nobody_prolongs_it(book):
    book.add([anomaly("a", 0)], NOON)
    alert = write(book)
    assert alert.starts_at == NOON
    assert alert.ends_at == NOON + minutes(4)
    assert alert.generator_url == "http://p/graph?g0.expr=up%7Ba%3D%22b%22%7D&g0.tab=0"
    assert "service" not in alert.labels
    assert set(alert.annotations) == {"summary"}


def test_an_alert_about_what_ended_untold_fires_and_says_when_it_ended(book):
    book.add([anomaly("a", 0, ended=1)], NOON + minutes(5))
    alert = write(book, NOON + minutes(5))
    assert alert.ends_at == NOON + minutes(9)
    assert alert.annotations["ended"] == "2026-03-01 12:01 UTC"


def test_an_alert_names_the_others_up_to_ten(book):
    book.add([anomaly(f"s{n:02}", 0) for n in range(14)], NOON)
    also = write(book).annotations["also"]
    assert also.startswith("s01 is up by 3 since")
    assert also.endswith("; and 3 more")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"direction": "gap", "value": float("nan")}, "a sends nothing since 2026-03-01 12:00 UTC"),
        ({"effect": -0.00012, "direction": "down", "unit": "s"}, "a is down by 1.20e-04 s since"),
        ({"effect": 1_234_567.0}, "a is up by 1,234,567 since"),
        ({"value": float("inf")}, "(inf where 1 was expected; level)"),
    ],
)
def test_a_summary_reads_well(given, says):
    assert says in summarise(anomaly("a", 0, **given))


def test_names_are_written_as_in_promql_and_long_ones_shortened():
    assert series_name("a", {"z": 'q"\\', "b": "\n"}) == 'a{b="\\n",z="q\\"\\\\"}'
    long, other = ({f"l{n}": letter * 50 for n in range(20)} for letter in "xy")
    key = SeriesKey.of("g", "a", long)
    assert len(str(key)) < 100
    assert key != SeriesKey.of("g", "a", other)
    assert SeriesKey.parse(str(key)) == key
