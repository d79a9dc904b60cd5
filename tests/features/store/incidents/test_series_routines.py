"""Routines of watched series in the store: written by the watch, revoked by people."""

from datetime import UTC, datetime, timedelta

from example_routines import example_routine

from features.domain.telemetry.series_routine import SeriesRoutine
from features.store.incidents.series_routines import RoutineCursor
from features.store.store import Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def routine(name: str, learned_at: datetime = NOON, **changed: object) -> SeriesRoutine:
    return example_routine(name, learned_at, **changed)


def test_a_routine_is_updated_by_id_and_stays_revoked(store: Store) -> None:
    store.series_routines.record([routine("a")])
    store.series_routines.revoke("a", "Ana", NOON + DAY)
    store.series_routines.record([routine("a", days_seen=5, upper=910.0)])
    revoked = routine("a", days_seen=5, upper=910.0, revoked_at=NOON + DAY, revoked_by="Ana")
    assert store.series_routines.get("a") == revoked
    assert store.series_routines.revoked() == (revoked,)
    store.series_routines.restore("a", NOON + 2 * DAY)
    restored = routine("a", days_seen=5, upper=910.0, ended_at=NOON + 2 * DAY)
    assert store.series_routines.get("a") == restored
    assert store.series_routines.revoked() == ()
    assert store.series_routines.get("b") is None
    store.series_routines.record([])


def test_pages_go_from_the_newest_to_the_oldest(store: Store) -> None:
    routines = [routine(name, NOON + days * DAY) for name, days in (("a", 0), ("b", 1), ("c", 1))]
    store.series_routines.record(routines)
    assert [one.id for one in store.series_routines.all()] == ["c", "b", "a"]
    first = store.series_routines.page(2)
    assert [one.id for one in first] == ["c", "b"]
    rest = store.series_routines.page(2, RoutineCursor.after(first[-1]))
    assert [one.id for one in rest] == ["a"]


def test_the_announced_ones_are_recent_and_have_not_ended(store: Store) -> None:
    store.series_routines.record(
        [
            routine("old", NOON - 9 * DAY),
            routine("a"),
            routine("b", NOON + DAY),
            routine("ended", ended_at=NOON + DAY),
        ]
    )
    since = NOON - DAY
    assert [one.id for one in store.series_routines.learned_since(since, 1)] == ["b"]
    assert [one.id for one in store.series_routines.learned_since(since, 9)] == ["b", "a"]
    assert store.series_routines.count_since(since) == 2


def test_only_routines_that_ended_long_ago_are_deleted(store: Store) -> None:
    ended = routine("ended", ended_at=NOON + DAY)
    store.series_routines.record([routine("a"), ended])
    assert store.telemetry.delete_before(NOON + DAY) == 0
    assert store.telemetry.delete_before(NOON + 2 * DAY) == 1
    assert [one.id for one in store.series_routines.all()] == ["a"]
