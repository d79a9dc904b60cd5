"""The audit log: in order, selected by conditions, and never changed or deleted from."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from features.domain.audit_event import AuditEvent
from features.store.store import Store

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)


def event(hours: int = 0, action: str = "promote", target: str | None = "category") -> AuditEvent:
    details = {"differences": [{"value": 0.01, "low": -0.01, "high": 0.03}], "sha256": "ab"}
    at = NOW + timedelta(hours=hours)
    return AuditEvent(at, "Ana", action, target, "7", "better beyond noise", details)


def test_events_come_back_oldest_first_as_they_were_written(store: Store) -> None:
    late, early, same = event(2), event(0, "refuse"), event(2, "mode", None)
    for entry in (late, early, same):
        store.audit_log.append(entry)
    events = store.audit_log.select
    assert events() == (early, late, same)
    assert events(target="category") == (early, late)
    assert events(action="mode") == (same,)
    assert events(since=NOW + timedelta(hours=2)) == (late, same)
    assert events(until=NOW) == (early,)


def test_nobody_changes_or_removes_an_event(store: Store) -> None:
    store.audit_log.append(event())
    changes = ["UPDATE events SET reason = ''", "DELETE FROM events"]
    if store._database.backend == "postgresql":
        changes.append("TRUNCATE events")
    for change in changes:
        with pytest.raises(DBAPIError, match="append-only"), store._database.write() as connection:
            connection.execute(text(change))
    assert store.audit_log.select() == (event(),)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_threads_that_write_at_once_lose_nothing(store: Store) -> None:
    append: Callable[[AuditEvent], None] = store.audit_log.append
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(append, (event(hours) for hours in range(12))))
    assert [entry.at for entry in store.audit_log.select()] == [
        event(hours).at for hours in range(12)
    ]
