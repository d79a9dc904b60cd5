"""The SQL of telemetry: anomalies of series, and what a watch remembers of each series."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from math import isfinite, isnan, nan
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, or_, select

from features.domain.series_anomaly import SeriesAnomaly, SeriesPoints
from features.store.database import insert_into
from features.store.tables import AnomalyRow, SeriesRow


@dataclass(frozen=True, slots=True)
class StoredSeries:
    """How far a watch has read a series, and the detector's state after that.

    `key` names the series within its watch. `layout` names the arrangement of `state`, so that
    another version of the detector can tell what it cannot read. `seen_until` is aware UTC.
    """

    key: str
    labels: Mapping[str, str]
    tier: str
    step_seconds: int
    layout: str
    seen_until: datetime
    state: bytes


_ANOMALY = tuple(field.name for field in fields(SeriesAnomaly))
_SUMMARY = tuple(name for name in _ANOMALY if name != "points")
_NUMBERS = ("effect", "expected", "value", "score", "alarms_per_week")
_DRAWN = ("values", "expected", "lower", "upper")
_SERIES = tuple(field.name for field in fields(StoredSeries))


def upsert_anomalies(
    connection: Connection, tenant: str, anomalies: Sequence[SeriesAnomaly]
) -> None:
    """Write the anomalies, of which there is at least one."""
    statement = insert_into(connection, AnomalyRow)
    new = {name: statement.excluded[name] for name in _ANOMALY}
    connection.execute(
        statement.on_conflict_do_update(index_elements=["tenant", "id"], set_=new),
        [_anomaly_row(tenant, anomaly) for anomaly in anomalies],
    )


def select_anomalies(
    connection: Connection, tenant: str, start: datetime, end: datetime, *, with_points: bool
) -> tuple[SeriesAnomaly, ...]:
    """Return the anomalies that lasted at some time from start to end, by onset.

    Without points they are read many times as fast, and their windows are empty.
    """
    lasted = or_(AnomalyRow.ended_at.is_(None), AnomalyRow.ended_at >= start)
    query = _anomalies_of(tenant, _ANOMALY if with_points else _SUMMARY)
    during = query.where(AnomalyRow.onset_at <= end, lasted)
    return tuple(_anomaly_from(row) for row in connection.execute(during))


def select_anomalies_by_id(
    connection: Connection, tenant: str, ids: Collection[str]
) -> dict[str, SeriesAnomaly]:
    """Return those of the anomalies that exist, by id."""
    query = _anomalies_of(tenant, _ANOMALY).where(AnomalyRow.id.in_(ids))
    return {row.id: _anomaly_from(row) for row in connection.execute(query)}


def delete_anomalies(connection: Connection, tenant: str, before: datetime) -> int:
    """Remove the anomalies that began before a time, and tell how many there were."""
    old = delete(AnomalyRow).where(AnomalyRow.tenant == tenant, AnomalyRow.onset_at < before)
    return connection.execute(old).rowcount


def select_series(connection: Connection, tenant: str, watch: str) -> dict[str, StoredSeries]:
    """Return what a watch remembers, by key."""
    query = select(*(SeriesRow.__table__.c[name] for name in _SERIES)).where(
        SeriesRow.tenant == tenant, SeriesRow.watch == watch
    )
    return {row.key: StoredSeries(*row) for row in connection.execute(query)}


def upsert_series(
    connection: Connection, tenant: str, watch: str, series: Sequence[StoredSeries]
) -> None:
    """Write what a watch remembers of the series, of which there is at least one."""
    statement = insert_into(connection, SeriesRow)
    new = {name: statement.excluded[name] for name in _SERIES}
    rows = [
        {name: getattr(each, name) for name in _SERIES}
        | {"tenant": tenant, "watch": watch, "labels": dict(each.labels)}
        for each in series
    ]
    connection.execute(
        statement.on_conflict_do_update(index_elements=["tenant", "watch", "key"], set_=new), rows
    )


def delete_series(connection: Connection, tenant: str, watch: str, keys: Iterable[str]) -> None:
    """Forget the series with these keys."""
    connection.execute(
        delete(SeriesRow).where(
            SeriesRow.tenant == tenant, SeriesRow.watch == watch, SeriesRow.key.in_(set(keys))
        )
    )


def _anomalies_of(tenant: str, names: Iterable[str]) -> Select[Any]:
    return (
        select(*(AnomalyRow.__table__.c[name] for name in names))
        .where(AnomalyRow.tenant == tenant)
        .order_by(AnomalyRow.onset_at, AnomalyRow.id)
    )


def _anomaly_row(tenant: str, anomaly: SeriesAnomaly) -> dict[str, Any]:
    row = {name: getattr(anomaly, name) for name in _SUMMARY} | {"tenant": tenant}
    numbers = {name: None if isnan(row[name]) else float(row[name]) for name in _NUMBERS}
    return row | numbers | {"labels": dict(anomaly.labels), "points": _columns(anomaly.points)}


def _columns(points: SeriesPoints) -> dict[str, Any]:
    # JSON knows no NaN and no infinity, and PostgreSQL refuses them.
    columns = {name: getattr(points, name) for name in _DRAWN}
    return {"times": [int(time) for time in points.times]} | {
        name: [None if each is None or not isfinite(each) else float(each) for each in values]
        for name, values in columns.items()
    }


def _anomaly_from(row: Row[Any]) -> SeriesAnomaly:
    found = dict(row._mapping)
    found |= {name: nan for name in _NUMBERS if found[name] is None}
    stored = found.pop("points", {})
    points = SeriesPoints(**{name: tuple(values) for name, values in stored.items()})
    return SeriesAnomaly(**found, points=points)
