"""Changes, anomalies and the state of series in the store, on both databases."""

from datetime import UTC, datetime, timedelta
from math import inf, isnan, nan

import pytest
from sqlalchemy.exc import StatementError

from features.domain.telemetry.change import Change
from features.domain.telemetry.series_anomaly import SeriesAnomaly, SeriesPoints
from features.store.incidents.series_states import StoredSeries
from features.store.store import Store, open_store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
POINTS = SeriesPoints((0, 60), (1.5, None), (1.0, 1.0), (0.5, 0.5), (2.0, 2.0))


def change(name: str, at: datetime = NOON, service: str | None = "checkout") -> Change:
    return Change(name, service, at, "deploy", f"{name} 4.2", "https://ci.example/1", {"by": "ß"})


def anomaly(
    name: str, onset_at: datetime = NOON, ended_at: datetime | None = None, **numbers: float
) -> SeriesAnomaly:
    figures = {"effect": 3.5, "expected": 1.0, "value": 4.5, "score": 12.0, "alarms_per_week": 0.1}
    return SeriesAnomaly(
        id=name,
        series='errors{service="checkout"}',
        service="checkout",
        labels={"service": "checkout"},
        unit="1/s",
        onset_at=onset_at,
        detected_at=onset_at + timedelta(minutes=2),
        ended_at=ended_at,
        **(figures | numbers),
        channel="level",
        direction="up",
        points=POINTS,
    )


def series(key: str, seen_until: datetime = NOON, state: bytes = b"\x00\xff") -> StoredSeries:
    return StoredSeries(key, {"job": key}, "full", 60, "2", seen_until, state)


def ids(records: tuple) -> list[str]:
    return [record.id for record in records]


def test_a_new_store_has_recorded_nothing(store: Store) -> None:
    recorded = store.telemetry.recorded()
    assert (recorded.changes, recorded.anomalies) == (False, False)
    assert store.changes.between(NOON, NOON + HOUR) == ()
    assert store.anomalies.between(NOON, NOON + HOUR) == ()
    assert store.series_states.of_watch("w") == {}


def test_changes_come_back_equal_by_time_and_end_at_both_ends(store: Store) -> None:
    changes = [change(f"c{hour}", NOON + hour * HOUR) for hour in (3, 1, 2, 0)]
    store.changes.record(changes)
    between = store.changes.between(NOON + HOUR, NOON + 3 * HOUR)
    assert between == (changes[1], changes[2], changes[0])
    assert store.telemetry.recorded().changes
    assert store.incidents.revision() == 0


def test_a_change_that_is_sent_again_is_replaced(store: Store) -> None:
    store.changes.record([change("c1"), change("c1", service="mail")])
    store.changes.record([change("c1", service="search")])
    assert store.changes.between(NOON, NOON) == (change("c1", service="search"),)


def test_services_are_compared_without_case(store: Store) -> None:
    named = [
        change("c1", service="Straße "),
        change("c2", service="mail"),
        change("c3", NOON, None),
    ]
    store.changes.record(named)
    assert ids(store.changes.between(NOON, NOON, ["STRASSE"])) == ["c1"]
    assert ids(store.changes.between(NOON, NOON, ["Mail", "x"])) == ["c2"]
    assert store.changes.between(NOON, NOON, []) == ()
    assert ids(store.changes.between(NOON, NOON)) == ["c1", "c2", "c3"]


def test_anomalies_come_back_equal_and_an_ended_one_is_updated(store: Store) -> None:
    store.anomalies.record([anomaly("a1")])
    assert store.anomalies.between(NOON, NOON) == (anomaly("a1"),)
    store.anomalies.record([anomaly("a1", ended_at=NOON + HOUR)])
    assert store.anomalies.between(NOON, NOON) == (anomaly("a1", ended_at=NOON + HOUR),)
    assert store.anomalies.find(["a1", "x"]).keys() == {"a1"}
    assert store.anomalies.find([]) == {}
    bare = store.anomalies.between(NOON, NOON, with_points=False)
    assert (ids(bare), bare[0].points) == (["a1"], SeriesPoints())


def test_an_anomaly_is_found_while_it_lasts(store: Store) -> None:
    past = anomaly("past", NOON - 2 * HOUR, NOON - HOUR)
    touching = anomaly("touching", NOON - 2 * HOUR, NOON)
    lasting = anomaly("lasting", NOON - 30 * HOUR)
    later = anomaly("later", NOON + 2 * HOUR)
    store.anomalies.record([past, touching, lasting, later])
    assert ids(store.anomalies.between(NOON, NOON + HOUR)) == ["lasting", "touching"]


def test_numbers_that_are_none_or_endless_are_kept(store: Store) -> None:
    points = SeriesPoints((0,), (nan,), (inf,), (None,), (1.0,))
    gap = anomaly("gap", value=nan, effect=nan, alarms_per_week=inf)
    store.anomalies.record(
        [SeriesAnomaly(**{name: getattr(gap, name) for name in gap.__slots__} | {"points": points})]
    )
    (stored,) = store.anomalies.between(NOON, NOON)
    assert isnan(stored.value)
    assert isnan(stored.effect)
    assert stored.alarms_per_week == inf
    assert stored.points == SeriesPoints((0,), (None,), (None,), (None,), (1.0,))


def test_a_watch_remembers_its_own_series(store: Store) -> None:
    store.series_states.save("w", [series("a"), series("b")])
    store.series_states.save("other", [series("a", state=b"")])
    moved = series("a", NOON + HOUR, bytes(range(256)))
    store.series_states.save("w", [moved])
    assert store.series_states.of_watch("w") == {"a": moved, "b": series("b")}
    store.series_states.delete("w", ["a", "unknown"])
    assert store.series_states.of_watch("w") == {"b": series("b")}
    assert store.series_states.of_watch("other") == {"a": series("a", state=b"")}
    assert store.telemetry.recorded().anomalies


def test_what_is_old_is_forgotten(store: Store) -> None:
    store.changes.record([change("old", NOON - HOUR), change("new")])
    store.anomalies.record([anomaly("old", NOON - HOUR), anomaly("new")])
    assert store.telemetry.delete_before(NOON) == 2
    assert store.telemetry.delete_before(NOON) == 0
    assert ids(store.changes.between(NOON - 9 * HOUR, NOON)) == ["new"]
    assert ids(store.anomalies.between(NOON - 9 * HOUR, NOON)) == ["new"]


def test_tenants_do_not_see_each_other(database_url: str) -> None:
    with open_store(database_url, tenant="x") as one, open_store(database_url, tenant="y") as other:
        one.changes.record([change("c1")])
        one.anomalies.record([anomaly("a1")])
        one.series_states.save("w", [series("a")])
        assert one.leases.take("watch", "me", 60)
        assert not other.telemetry.recorded().changes
        assert not other.telemetry.recorded().anomalies
        assert other.changes.between(NOON, NOON) == ()
        assert other.telemetry.delete_before(NOON + HOUR) == 0
        assert other.leases.take("watch", "you", 60)


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(StatementError, match="has no time zone"):
        store.changes.record([change("c1", NOON.replace(tzinfo=None))])
