"""How long a transaction waits: in a fair queue for its turn, and until a deadline for the rest."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from time import monotonic

BUSY_TIMEOUT_SECONDS = 10.0
"""How long a transaction waits until it has begun: for its turn, a connection and a lock in all."""

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


class FairQueue:
    """Lets a number of threads in at a time; the others wait in the order in which they came.

    A pool of SQLAlchemy or a lock of SQLite gives its place to whoever asks first after it was
    freed, so a thread can wait long while others come and go.

    >>> queue = FairQueue(places=1)
    >>> queue.enter(seconds=1), queue.enter(seconds=0)
    (True, False)
    >>> queue.leave()
    >>> queue.enter(seconds=0)
    True
    """

    def __init__(self, places: int) -> None:
        self._lock = Lock()
        self._free = places
        self._waiting: deque[Lock] = deque()

    def enter(self, seconds: float) -> bool:
        """Wait for a place at most this long; returns whether the thread has one now."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            turn = Lock()
            turn.acquire()
            self._waiting.append(turn)
        if turn.acquire(timeout=max(0.0, seconds)):
            return True
        with self._lock:
            if turn not in self._waiting:
                return True  # The place was given just after the time was over.
            self._waiting.remove(turn)
            return False

    def leave(self) -> None:
        """Give the place to the thread that has waited longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1


@contextmanager
def waiting_until(deadline: float) -> Iterator[None]:
    """Make the drivers' waits in this block end at a time of `time.monotonic`."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def seconds_left() -> float | None:
    """Return the seconds until the deadline of the running block, None outside of any.

    >>> seconds_left() is None
    True
    """
    deadline = _deadline.get()
    return None if deadline is None else max(0.0, deadline - monotonic())
