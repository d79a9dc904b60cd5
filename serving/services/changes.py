"""Stores changes to services, and deletes old telemetry."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from features.domain.telemetry.change import Change
from features.store.incidents.telemetry import TELEMETRY_KEPT
from features.store.store import Store

_DELETE_EVERY = timedelta(days=1)


class ChangeService:
    """Stores changes, and at most once a day deletes changes and anomalies older than 400 days.

    The watch deletes old telemetry too, but it may not be running. `now` returns the present time,
    aware UTC. Raises `StoreUnavailable`.
    """

    def __init__(
        self, store: Store, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = store
        self._now = now
        self._deleted_at: datetime | None = None

    def record(self, change: Change) -> None:
        """Add a change, or replace the one with the same id."""
        now = self._now()
        if self._deleted_at is None or now - self._deleted_at >= _DELETE_EVERY:
            self._store.telemetry.delete_before(now - TELEMETRY_KEPT)
            self._deleted_at = now
        self._store.changes.record([change])
