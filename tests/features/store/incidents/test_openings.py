"""Openings are read by time, the newest first, with the category that an incident is shown with."""

from datetime import UTC, datetime, timedelta

from factories import incident, prediction

from features.domain.opening import OpenTime
from features.domain.report import Status

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_openings_are_bounded_by_time_and_number(store) -> None:
    store.incidents.upsert(
        [incident(f"i{n}", "x" * 500, opened_at=NOON + timedelta(minutes=n)) for n in range(5)]
        + [incident("no time", "x", opened_at=None)]
    )
    found = store.openings.between(NOON, NOON + timedelta(minutes=4), limit=3)
    assert [opening.id for opening in found] == ["i3", "i2", "i1"]
    assert {len(opening.title) for opening in found} == {200}
    assert store.openings.count(NOON, NOON + timedelta(minutes=4)) == 4


def test_a_stated_category_comes_before_a_predicted_one(store) -> None:
    store.incidents.upsert(
        [
            incident("stated", "x", opened_at=NOON, category="Mail"),
            incident("predicted", "x", opened_at=NOON),
            incident("hidden", "x", opened_at=NOON),
        ]
    )
    store.predictions.record(
        [
            prediction("stated", "Network", prediction_id="p-1"),
            prediction("predicted", "Network", prediction_id="p-2"),
            prediction("hidden", "Network", prediction_id="p-3", audit_share=0.5),
        ]
    )
    found = store.openings.between(NOON, NOON + timedelta(hours=1), limit=10)
    assert {opening.id: opening.category for opening in found} == {
        "stated": "Mail",
        "predicted": "Network",
        "hidden": None,
    }


def test_open_times_end_with_the_incident_or_after_the_longest_time(store) -> None:
    hour, week = timedelta(hours=1), timedelta(days=7)
    store.incidents.upsert(
        [
            incident("open", "x", opened_at=NOON - hour, service="a", status=Status.OPEN),
            incident("plain", "x", opened_at=NOON, attributes={"other_services": "b, c"}),
            incident("over", "x", opened_at=NOON - 2 * hour, service="d", resolved_at=NOON),
            incident("long over", "x", opened_at=NOON - 3 * hour, resolved_at=NOON - hour),
            incident("stale", "x", opened_at=NOON - hour, status=Status.STALE),
            incident("forgotten", "x", opened_at=NOON - week, status=Status.OPEN),
            incident("later", "x", opened_at=NOON + 2 * hour, status=Status.OPEN),
            incident("unknown end", "x", opened_at=NOON - hour, status=Status.RESOLVED),
            incident("no time", "x", opened_at=None, status=Status.OPEN),
        ]
    )
    assert store.openings.open_times(NOON, NOON + hour, at_most=week) == (
        OpenTime(("d",), NOON - 2 * hour, NOON),
        OpenTime(("a",), NOON - hour, NOON - hour + week),
        OpenTime(("b", "c"), NOON, NOON + week),
    )
