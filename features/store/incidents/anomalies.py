"""The repository of anomalies of metric series: written by id, read by time or id."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from math import isnan, nan
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, or_, select

from features.domain.telemetry.series_anomaly import SeriesAnomaly, SeriesPoints
from features.store.repository import Repository
from features.store.tables import AnomalyRow
from features.store.upserts import upsert_into

_NAMES = tuple(field.name for field in fields(SeriesAnomaly))
_SUMMARY = tuple(name for name in _NAMES if name != "points")
# Built once: most of a short query's time is spent on building it.
_SUMMARIES, _ANOMALIES = (
    select(*(AnomalyRow.__table__.c[name] for name in names))
    .where(AnomalyRow.tenant == bindparam("tenant"))
    .order_by(AnomalyRow.onset_at, AnomalyRow.id)
    for names in (_SUMMARY, _NAMES)
)
_OVERLAPS = (
    AnomalyRow.onset_at <= bindparam("end"),
    or_(AnomalyRow.ended_at.is_(None), AnomalyRow.ended_at >= bindparam("start")),
)
_SUMMARIES_BETWEEN, _BETWEEN = (query.where(*_OVERLAPS) for query in (_SUMMARIES, _ANOMALIES))
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
            connection.execute(
                upsert_into(connection, AnomalyRow, ("tenant", "id"), _NAMES),
                [_row(self._tenant, anomaly) for anomaly in anomalies],
            )

    def between(
        self, start: datetime, end: datetime, *, with_points: bool = True
    ) -> tuple[SeriesAnomaly, ...]:
        """Return the anomalies that overlap the time from start to end, ordered by onset.

        Without `with_points` their `points` are empty, and the query is many times faster.
        """
        query = _BETWEEN if with_points else _SUMMARIES_BETWEEN
        return self._select(query, start=start, end=end)

    def find(self, ids: Collection[str]) -> Mapping[str, SeriesAnomaly]:
        """Return the anomalies with these ids, by id; unknown ids are left out."""
        query = _ANOMALIES.where(AnomalyRow.id.in_(ids))
        return {anomaly.id: anomaly for anomaly in self._select(query)}

    def _select(self, query: Select[Any], **asked: datetime) -> tuple[SeriesAnomaly, ...]:
        with self._database.read() as connection:
            rows = connection.execute(query, {"tenant": self._tenant, **asked})
            return tuple(_anomaly_from(row) for row in rows)


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
