"""The repository of warnings that a series will probably reach its level."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, or_, select

from features.domain.telemetry.breach_warning import BreachWarning
from features.domain.telemetry.series_anomaly import SeriesPoints
from features.store.repository import Repository
from features.store.tables import BreachWarningRow
from features.store.upserts import upsert_into

_NAMES = tuple(field.name for field in fields(BreachWarning))


class BreachWarningRepository(Repository):
    """The warnings of one tenant."""

    def record(self, warnings: Sequence[BreachWarning]) -> None:
        """Add or replace warnings by id, in one transaction."""
        if not warnings:
            return
        with self._database.write() as connection:
            connection.execute(
                upsert_into(connection, BreachWarningRow, ("tenant", "id"), _NAMES),
                [_row(self._tenant, warning) for warning in warnings],
            )

    def since(self, start: datetime) -> tuple[BreachWarning, ...]:
        """Return the warnings that last or were sent since then, oldest first."""
        lasts_or_new = or_(BreachWarningRow.ended_at.is_(None), BreachWarningRow.warned_at >= start)
        query = (
            select(*(BreachWarningRow.__table__.c[name] for name in _NAMES))
            .where(BreachWarningRow.tenant == self._tenant, lasts_or_new)
            .order_by(BreachWarningRow.warned_at, BreachWarningRow.id)
        )
        with self._database.read() as connection:
            return tuple(_warning_from(row) for row in connection.execute(query))

    def open(self) -> tuple[BreachWarning, ...]:
        """Return the warnings that last, the soonest expected breach first."""
        query = (
            select(*(BreachWarningRow.__table__.c[name] for name in _NAMES))
            .where(BreachWarningRow.tenant == self._tenant, BreachWarningRow.ended_at.is_(None))
            .order_by(BreachWarningRow.at, BreachWarningRow.id)
        )
        with self._database.read() as connection:
            return tuple(_warning_from(row) for row in connection.execute(query))


def delete_breach_warnings(connection: Connection, tenant: str, before: datetime) -> int:
    """Delete the warnings that were sent before a time, and return how many there were."""
    deletion = delete(BreachWarningRow).where(
        BreachWarningRow.tenant == tenant, BreachWarningRow.warned_at < before
    )
    return connection.execute(deletion).rowcount


def _row(tenant: str, warning: BreachWarning) -> dict[str, Any]:
    row = {name: getattr(warning, name) for name in _NAMES}
    return row | {"tenant": tenant, "points": warning.points.to_json()}


def _warning_from(row: Row[Any]) -> BreachWarning:
    columns = dict(row._mapping)
    return BreachWarning(**columns | {"points": SeriesPoints.of_json(columns["points"])})
