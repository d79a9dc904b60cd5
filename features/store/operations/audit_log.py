"""The audit log: who or what did what to which model, when and why; only ever added to."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from features.store.learning_tables import EventRow
from features.store.sequences import next_number


@dataclass(frozen=True, slots=True)
class Event:
    """One entry: `actor` is a person, or `precedent` where it acted by itself.

    `action` is one of train, promote, refuse, rollback, mode, withdraw, retrain and found.
    `details` hold types that JSON knows: a data hash, differences with their intervals.
    """

    at: datetime
    actor: str
    action: str
    target: str | None
    version: str | None
    reason: str
    details: Mapping[str, Any]

    @property
    def what(self) -> str:
        """The action, of a retraining also whether that began, finished or failed."""
        return " ".join(filter(None, (self.action, str(self.details.get("state") or ""))))


_NAMES = tuple(field.name for field in fields(Event))
_COLUMNS = tuple(EventRow.__table__.c[name] for name in _NAMES)


def insert_event(connection: Connection, tenant: str, event: Event) -> None:
    """Append an entry."""
    row: dict[str, Any] = {name: getattr(event, name) for name in _NAMES}
    row |= {"tenant": tenant, "number": next_number(connection, EventRow, tenant)}
    connection.execute(insert(EventRow), row | {"details": dict(event.details)})


def select_events(
    connection: Connection,
    tenant: str,
    *,
    target: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    action: str | None = None,
) -> tuple[Event, ...]:
    """Return the entries that meet every condition, oldest first; both times are included."""
    query = select(*_COLUMNS).where(EventRow.tenant == tenant)
    if target is not None:
        query = query.where(EventRow.target == target)
    if action is not None:
        query = query.where(EventRow.action == action)
    if since is not None:
        query = query.where(EventRow.at >= since)
    if until is not None:
        query = query.where(EventRow.at <= until)
    found = connection.execute(query.order_by(EventRow.at, EventRow.number))
    return tuple(Event(*row) for row in found)
