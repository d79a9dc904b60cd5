"""Lanes: work of one kind runs on threads of its own, and waits in a bounded queue of its own."""

import math
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import TypeVar

from anyio import CapacityLimiter, WouldBlock, fail_after, to_thread
from starlette.requests import ClientDisconnect, Request

from serving.runtime.errors import Overloaded
from serving.runtime.metrics import ServingMetrics
from serving.runtime.settings import ServingSettings

Result = TypeVar("Result")

_LARGE = 16
"""Work of more units than this, such as a batch of 17 incidents, runs in the lane of batches."""
_LARGE_PATIENCE = 30.0
"""How many times as long as a single call a batch may wait."""
_READ_THREADS, _RECORD_THREADS, _METRICS_THREADS = 8, 4, 2
# Deliveries that wait while others are written are written together, see `AlertIntake`.
_INTAKE_THREADS = 32
_MOST_WAITING = 256
_WAIT_SECONDS = 10.0


class LaneName(StrEnum):
    """The kinds of work."""

    COMPUTE = "compute"
    """Models answer: triage, similar incidents, runbooks, anomalies."""
    BATCH = "batch"
    """Models answer many incidents in one call."""
    READ = "read"
    """Stored records and pages are read."""
    RECORD = "record"
    """Incidents, changes and labels are stored."""
    INTAKE = "intake"
    """Alerts are stored."""
    METRICS = "metrics"
    """Metrics are written out."""


class Lane:
    """Threads for one kind of work, and the queue before them.

    `most_waiting` limits the units that wait: a batch has as many units as incidents.
    """

    def __init__(
        self,
        name: LaneName,
        threads: CapacityLimiter,
        most_waiting: int,
        wait_seconds: float,
        metrics: ServingMetrics,
    ) -> None:
        self._name = name
        self._threads = threads
        self._most_waiting = most_waiting
        self._wait_seconds = wait_seconds
        self._metrics = metrics
        self._waiting = 0

    def check_room(self, size: int = 1) -> None:
        """Raise `Overloaded` if work of this size can neither begin now nor wait."""
        # Work that is larger than the whole queue may wait in it alone.
        if self._waiting and self._waiting + size > self._most_waiting:
            self._refuse("queue_full", "too many requests are waiting")

    @asynccontextmanager
    async def turn(self, request: Request, size: int = 1) -> AsyncIterator[None]:
        """Wait for a thread, and hold it; raises `Overloaded`.

        Raises `ClientDisconnect` if the client has closed the connection meanwhile.
        """
        self.check_room(size)
        if not self._begins_now():
            await self._wait(size)
        try:
            if await request.is_disconnected():
                self._metrics.count_dropped(self._name)
                raise ClientDisconnect
            yield
        finally:
            self._threads.release()

    def _begins_now(self) -> bool:
        try:
            self._threads.acquire_nowait()
        except WouldBlock:
            return False
        return True

    async def _wait(self, size: int) -> None:
        self._count_waiting(size)
        try:
            with fail_after(self._wait_seconds):
                await self._threads.acquire()
        except TimeoutError:
            self._refuse("deadline", f"the work did not begin within {self._wait_seconds:g} s")
        finally:
            self._count_waiting(-size)

    def _count_waiting(self, size: int) -> None:
        self._waiting += size
        self._metrics.change_queue_length(self._name, size)

    def _refuse(self, reason: str, message: str) -> None:
        self._metrics.count_refused(self._name, reason)
        raise Overloaded(f"the service is overloaded: {message}; try again later")


class Lanes:
    """All lanes of a process. One pool computes, and no other lane waits for it."""

    def __init__(self, settings: ServingSettings, metrics: ServingMetrics) -> None:
        threads = settings.compute_threads or max(2, _cores() // settings.workers)
        # Python runs one thread at a time, so more threads that compute would only take turns with
        # the event loop, which then answers everything late.
        batches = threads // 2
        seconds = settings.max_wait_seconds

        def lane(name: LaneName, threads: int) -> Lane:
            return Lane(name, CapacityLimiter(threads), _MOST_WAITING, _WAIT_SECONDS, metrics)

        self._lanes = {
            LaneName.COMPUTE: Lane(
                LaneName.COMPUTE,
                CapacityLimiter(threads - batches),
                settings.max_waiting,
                seconds,
                metrics,
            ),
            LaneName.BATCH: Lane(
                LaneName.BATCH,
                CapacityLimiter(batches),
                settings.max_batch_incidents,
                _LARGE_PATIENCE * seconds,
                metrics,
            ),
            LaneName.READ: lane(LaneName.READ, _READ_THREADS),
            LaneName.RECORD: lane(LaneName.RECORD, _RECORD_THREADS),
            LaneName.INTAKE: lane(LaneName.INTAKE, _INTAKE_THREADS),
            LaneName.METRICS: lane(LaneName.METRICS, _METRICS_THREADS),
        }
        # The lanes limit the threads already.
        self._threads = CapacityLimiter(math.inf)

    def check_room(self, name: LaneName) -> None:
        """Raise `Overloaded` if a request of this lane can neither begin now nor wait."""
        self._lanes[name].check_room()

    async def run(
        self, name: LaneName, request: Request, work: Callable[[], Result], size: int = 1
    ) -> Result:
        """Run work on a thread of a lane; raises `Overloaded` or `ClientDisconnect`.

        `size` counts incidents, or thousands of points of series.
        """
        is_large = name is LaneName.COMPUTE and size > _LARGE
        lane = self._lanes[LaneName.BATCH if is_large else name]
        async with lane.turn(request, size):
            return await to_thread.run_sync(work, limiter=self._threads)


def _cores() -> int:
    return len(os.sched_getaffinity(0))
