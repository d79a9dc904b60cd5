"""Keeps changes to services, and removes what is too old."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from features.domain.change import Change
from features.store.incidents.telemetry import TELEMETRY_KEPT
from features.store.store import Store

_BETWEEN_CLEARINGS = timedelta(days=1)


class ChangeService:
    """Keeps changes; once a day it removes what is older than 400 days, for no watch may run.

    `now` returns the present time, aware UTC. Raises `StoreUnavailable`.
    """

    def __init__(
        self, store: Store, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = store
        self._now = now
        self._cleared_at: datetime | None = None

    def record(self, change: Change) -> None:
        """Add a change, or replace what was known under its id."""
        now = self._now()
        if self._cleared_at is None or now - self._cleared_at >= _BETWEEN_CLEARINGS:
            self._store.telemetry.delete_before(now - TELEMETRY_KEPT)
            self._cleared_at = now
        self._store.changes.record([change])
