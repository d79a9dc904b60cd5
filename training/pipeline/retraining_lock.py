"""A lock in the store: one retraining at a time on all machines; the lock expires after a crash."""

import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event, Thread
from time import monotonic
from types import TracebackType
from typing import Self
from uuid import uuid4

from features.errors import RetrainingBusy, StoreUnavailable
from features.store.store import Store

LEASE = "retrain"
_SECONDS = 25.0


class RetrainingLock:
    """A context manager that holds the store's lease for retraining; a thread renews the lease.

    Entering raises `RetrainingBusy`, which names the holder, while another process holds the lease.
    The lease of a killed process expires after `seconds`. The lease also expires if its process is
    paused for longer than that: `check` then raises `RetrainingBusy`, since another retraining may
    have started.
    """

    def __init__(self, store: Store, actor: str, *, seconds: float = _SECONDS) -> None:
        started_at = datetime.now(UTC)
        process = f"{actor} on {socket.gethostname()}, process {os.getpid()}"
        self.holder = f"{process}, since {started_at:%Y-%m-%d %H:%M:%S} UTC ({uuid4().hex[:8]})"
        self._leases = store.leases
        self._seconds = seconds
        self._stop = Event()
        self._valid_until = 0.0
        self._thread = Thread(target=self._renew, name="retraining-lock", daemon=True)

    def __enter__(self) -> Self:
        if not self._take():
            holder = self._leases.holder(LEASE) or "another process"
            raise RetrainingBusy(
                f"{holder} is already retraining; wait until it has finished "
                f"(the lock of a killed process expires after {self._seconds:.0f} seconds)"
            )
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._ignore_unavailable(lambda: self._leases.release(LEASE, self.holder))

    def check(self) -> None:
        """Raise `RetrainingBusy` if the lease has expired, since another process may hold it."""
        if monotonic() > self._valid_until:
            raise RetrainingBusy(
                "this retraining was paused for so long that another one may have started; "
                "it registers nothing more: start it again"
            )

    def _take(self) -> bool:
        now = monotonic()
        is_held = self._leases.take(LEASE, self.holder, self._seconds)
        if is_held:
            self._valid_until = now + self._seconds
        return is_held

    def _renew(self) -> None:
        while not self._stop.wait(self._seconds / 5):
            self._ignore_unavailable(self._take)

    @staticmethod
    def _ignore_unavailable(action: Callable[[], object]) -> None:
        # If the database is busy, the next call tries again; if it stays busy, the lease expires.
        try:
            action()
        except StoreUnavailable:
            return
