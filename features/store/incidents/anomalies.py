"""The repository of anomalies of metric series: written by id, read by time or id."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from math import isnan, nan
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, or_, select

from features.domain.telemetry.series_anomaly import SeriesAnomaly, SeriesPoints
from features.store.database import insert_into
from features.store.repository import Repository
from features.store.tables import AnomalyRow

_NAMES = tuple(field.name for field in fields(SeriesAnomaly))
_SUMMARY = tuple(name for name in _NAMES if name != "points")
_NUMBERS = ("effect", "expected", "value", "score", "alarms_per_week")


class AnomalyRepository(Repository):
    """The anomalies of one tenant.

    A write does not increase the incidents' revision, since anomalies are not indexed.
    """

    def record(self, anomalies: Sequence[SeriesAnomaly]) -> None:
        """Add or replace the anomalies by id, in one transaction."""
        if not anomalies:
            return
        with self._database.write() as connection:
            statement = insert_into(connection, AnomalyRow)
            new = {name: statement.excluded[name] for name in _NAMES}
            connection.execute(
                statement.on_conflict_do_update(index_elements=["tenant", "id"], set_=new),
                [_row(self._tenant, anomaly) for anomaly in anomalies],
            )

    def between(
        self, start: datetime, end: datetime, *, with_points: bool = True
    ) -> tuple[SeriesAnomaly, ...]:
        """Return the anomalies that overlap the time from start to end, ordered by onset.

        Without `with_points` their `points` are empty, and the query is many times faster.
        """
        ended_later = or_(AnomalyRow.ended_at.is_(None), AnomalyRow.ended_at >= start)
        query = self._query(_NAMES if with_points else _SUMMARY)
        return self._select(query.where(AnomalyRow.onset_at <= end, ended_later))

    def find(self, ids: Collection[str]) -> Mapping[str, SeriesAnomaly]:
        """Return the anomalies with these ids, by id; unknown ids are left out."""
        query = self._query(_NAMES).where(AnomalyRow.id.in_(ids))
        return {anomaly.id: anomaly for anomaly in self._select(query)}

    def _query(self, names: Iterable[str]) -> Select[Any]:
        return (
            select(*(AnomalyRow.__table__.c[name] for name in names))
            .where(AnomalyRow.tenant == self._tenant)
            .order_by(AnomalyRow.onset_at, AnomalyRow.id)
        )

    def _select(self, query: Select[Any]) -> tuple[SeriesAnomaly, ...]:
        with self._database.read() as connection:
            return tuple(_anomaly_from(row) for row in connection.execute(query))


def delete_anomalies(connection: Connection, tenant: str, before: datetime) -> int:
    """Delete the anomalies that began before a time, and return how many there were."""
    deletion = delete(AnomalyRow).where(AnomalyRow.tenant == tenant, AnomalyRow.onset_at < before)
    return connection.execute(deletion).rowcount


def _row(tenant: str, anomaly: SeriesAnomaly) -> dict[str, Any]:
    row = {name: getattr(anomaly, name) for name in _SUMMARY} | {"tenant": tenant}
    numbers = {name: None if isnan(row[name]) else float(row[name]) for name in _NUMBERS}
    return row | numbers | {"labels": dict(anomaly.labels), "points": anomaly.points.to_json()}


def _anomaly_from(row: Row[Any]) -> SeriesAnomaly:
    columns = dict(row._mapping)
    columns |= {name: nan for name in _NUMBERS if columns[name] is None}
    points = SeriesPoints.of_json(columns.pop("points", None))
    return SeriesAnomaly(**columns, points=points)
