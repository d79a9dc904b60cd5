"""Remembers whether writes work, and tries one if that is not known or no longer certain."""

import logging
from collections.abc import Callable
from contextlib import suppress
from threading import Lock, Thread
from time import monotonic

from features.errors import StoreUnavailable
from features.store.database_errors import BUSY

_SECONDS_OF_SUCCESS = 30.0
_SECONDS_OF_FAILURE = 5.0

_log = logging.getLogger(__name__)


class WriteCheck:
    """Whether the last write succeeded; `attempt` writes something that changes nothing.

    After a failure writes are tried in the background, since a server that says that it is not
    ready may get no more requests. A database that is busy works.

    >>> check = WriteCheck(lambda: None)
    >>> check.note(StoreUnavailable("the database has no disk space left"))
    >>> check.works()
    False
    >>> check.note(None)
    >>> check.works()
    True
    """

    def __init__(self, attempt: Callable[[], None]) -> None:
        self._attempt = attempt
        self._problem: StoreUnavailable | None = None
        self._certain_until = 0.0
        self._trying = Lock()

    def note(self, error: StoreUnavailable | None) -> None:
        """Remember how a write ended: with an error or, if None, with success."""
        if error is not None and BUSY in str(error):
            return
        if error is not None and self._problem is None:
            _log.error("writes to the store fail", extra={"fields": {"reason": str(error)}})
        self._problem = error
        seconds = _SECONDS_OF_SUCCESS if error is None else _SECONDS_OF_FAILURE
        self._certain_until = monotonic() + seconds

    def works(self) -> bool:
        """Return at once whether the last write succeeded; True if there was none yet."""
        if monotonic() >= self._certain_until and self._trying.acquire(blocking=False):
            Thread(target=self._try, name="write_check", daemon=True).start()
        return self._problem is None

    def _try(self) -> None:
        try:
            with suppress(StoreUnavailable):
                self._attempt()
        finally:
            self._trying.release()
