"""The repository of the audit log, which is append-only."""

from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from features.domain.audit_event import AuditEvent
from features.store.counters import next_number
from features.store.repository import Repository
from features.store.tables import AuditEventRow

_NAMES = tuple(field.name for field in fields(AuditEvent))
_COLUMNS = tuple(AuditEventRow.__table__.c[name] for name in _NAMES)


class AuditLogRepository(Repository):
    """The audit log of one tenant."""

    def append(self, event: AuditEvent) -> None:
        """Add an entry, which can never be changed or removed."""
        row: dict[str, Any] = {name: getattr(event, name) for name in _NAMES}
        row |= {"tenant": self._tenant, "details": dict(event.details)}
        with self._database.write() as connection:
            row["number"] = next_number(connection, AuditEventRow, self._tenant)
            connection.execute(insert(AuditEventRow), row)

    def select(
        self,
        *,
        target: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        action: str | None = None,
    ) -> tuple[AuditEvent, ...]:
        """Return the entries that meet every condition, oldest first; both times are included."""
        query = select(*_COLUMNS).where(AuditEventRow.tenant == self._tenant)
        if target is not None:
            query = query.where(AuditEventRow.target == target)
        if action is not None:
            query = query.where(AuditEventRow.action == action)
        if since is not None:
            query = query.where(AuditEventRow.at >= since)
        if until is not None:
            query = query.where(AuditEventRow.at <= until)
        query = query.order_by(AuditEventRow.at, AuditEventRow.number)
        with self._database.read() as connection:
            return tuple(AuditEvent(*row) for row in connection.execute(query))
