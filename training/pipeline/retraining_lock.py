"""One retraining at a time, whatever machine it runs on; a crash frees the lock by itself."""

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
    """A context that holds the store's lease for retraining, and says in a thread that it lives.

    Entering raises `RetrainingBusy`, naming the holder, while another process has it. A process
    that is killed has lost it after `seconds`. So has one that was stopped for longer: `check`
    then raises `RetrainingBusy`, for another may have begun.
    """

    def __init__(self, store: Store, actor: str, *, seconds: float = _SECONDS) -> None:
        began = datetime.now(UTC)
        where = f"{actor} on {socket.gethostname()}, process {os.getpid()}"
        self.holder = f"{where}, since {began:%Y-%m-%d %H:%M:%S} UTC ({uuid4().hex[:8]})"
        self._leases = store.leases
        self._seconds = seconds
        self._ends = Event()
        self._alive_until = 0.0
        self._thread = Thread(target=self._live, name="retraining-lock", daemon=True)

    def __enter__(self) -> Self:
        if not self._take():
            holder = self._leases.holder(LEASE) or "another process"
            raise RetrainingBusy(
                f"already being retrained by {holder}; wait until that has finished "
                f"(the lock of a process that was killed is free after {self._seconds:.0f} seconds)"
            )
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._ends.set()
        self._thread.join()
        self._quietly(lambda: self._leases.release(LEASE, self.holder))

    def check(self) -> None:
        """Raise `RetrainingBusy` when the lease ran out and may be somebody else's."""
        if monotonic() > self._alive_until:
            raise RetrainingBusy(
                "this retraining was stopped for so long that another one may have begun; "
                "nothing more is registered, start it again"
            )

    def _take(self) -> bool:
        asked_at = monotonic()
        is_held = self._leases.take(LEASE, self.holder, self._seconds)
        if is_held:
            self._alive_until = asked_at + self._seconds
        return is_held

    def _live(self) -> None:
        while not self._ends.wait(self._seconds / 5):
            self._quietly(self._take)

    @staticmethod
    def _quietly(act: Callable[[], object]) -> None:
        # A busy database is asked again; the lease runs out if it stays busy.
        try:
            act()
        except StoreUnavailable:
            return
