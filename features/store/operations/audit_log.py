"""The audit log: who or what did what to which model, when and why; only ever added to."""

from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from features.domain.audit_event import AuditEvent
from features.store.learning_tables import AuditEventRow
from features.store.sequences import next_number

_NAMES = tuple(field.name for field in fields(AuditEvent))
_COLUMNS = tuple(AuditEventRow.__table__.c[name] for name in _NAMES)


def insert_event(connection: Connection, tenant: str, event: AuditEvent) -> None:
    """Append an entry."""
    row: dict[str, Any] = {name: getattr(event, name) for name in _NAMES}
    row |= {"tenant": tenant, "number": next_number(connection, AuditEventRow, tenant)}
    connection.execute(insert(AuditEventRow), row | {"details": dict(event.details)})


def select_events(
    connection: Connection,
    tenant: str,
    *,
    target: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    action: str | None = None,
) -> tuple[AuditEvent, ...]:
    """Return the entries that meet every condition, oldest first; both times are included."""
    query = select(*_COLUMNS).where(AuditEventRow.tenant == tenant)
    if target is not None:
        query = query.where(AuditEventRow.target == target)
    if action is not None:
        query = query.where(AuditEventRow.action == action)
    if since is not None:
        query = query.where(AuditEventRow.at >= since)
    if until is not None:
        query = query.where(AuditEventRow.at <= until)
    found = connection.execute(query.order_by(AuditEventRow.at, AuditEventRow.number))
    return tuple(AuditEvent(*row) for row in found)
