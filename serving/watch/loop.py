"""The loop of the watch: one step after the other while this process holds the lease."""

import logging
from collections.abc import Callable
from contextlib import suppress
from threading import Event

from features.errors import StoreUnavailable
from serving.watch.clients.circuit_breaker import CircuitBreaker
from serving.watch.lease import Lease
from serving.watch.metrics import WatchMetrics
from serving.watch.runner import LeaseLost, WatchRunner

_log = logging.getLogger(__name__)

_STEPS_PER_LEASE = 3


class Watch:
    """Runs the steps of a session, which is open while this process holds the lease."""

    def __init__(
        self,
        open_session: Callable[[], WatchRunner],
        *,
        lease: Lease,
        metrics: WatchMetrics,
        clock: Callable[[], float],
    ) -> None:
        self._open_session = open_session
        self._lease = lease
        self._metrics = metrics
        self._clock = clock
        self._session: WatchRunner | None = None
        self._is_waiting = False
        self._store_breaker = CircuitBreaker("the store", {}, metrics.count_failure("store"))

    def run(self, stopping: Event) -> None:
        """Watch until `stopping` is set; a running step is finished first."""
        try:
            while not stopping.is_set():
                stopping.wait(self.step())
        finally:
            self._close_session()
            with suppress(StoreUnavailable):
                self._lease.release()

    def step(self) -> float:
        """Run one step if this process holds the lease; return how many seconds to wait."""
        try:
            if not self._lease.take():
                return self._wait_for_lease()
            if self._session is None:
                self._session = self._start_session()
            seconds = self._session.step()
        except LeaseLost:
            return self._wait_for_lease()
        except StoreUnavailable as error:
            self._store_breaker.fail(str(error), self._clock())
            return self._store_breaker.retry_at - self._clock()
        self._store_breaker.succeed()
        return min(seconds, self._lease.seconds / _STEPS_PER_LEASE)

    def _start_session(self) -> WatchRunner:
        session = self._open_session()
        self._is_waiting = False
        self._metrics.is_active.set(1)
        _log.info("this process watches", extra={"fields": {"holder": self._lease.holder}})
        return session

    def _wait_for_lease(self) -> float:
        self._close_session()
        if not self._is_waiting:
            _log.warning("another process watches; this process waits until it ends")
        self._is_waiting = True
        return self._lease.seconds / _STEPS_PER_LEASE

    def _close_session(self) -> None:
        self._metrics.is_active.set(0)
        self._metrics.clear()
        if self._session is not None:
            self._session.close()
            self._session = None
