"""Looks at something again and again from a background thread, never on a request's path."""

import logging
import threading
from abc import ABC, abstractmethod
from typing import ClassVar


class Poller(ABC):
    """Polls when it starts, and from then on every `poll_seconds`.

    Starting waits for the first poll, though not longer than `patience_seconds` if given.
    """

    failure: ClassVar[str]
    """What the log says when a poll fails."""

    def __init__(
        self, poll_seconds: float, name: str, patience_seconds: float | None = None
    ) -> None:
        self._poll_seconds = poll_seconds
        self._patience_seconds = patience_seconds
        self._stopping = threading.Event()
        self._has_polled = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._problem: str | None = None
        self._log = logging.getLogger(type(self).__module__)

    def start(self) -> None:
        """Poll, so that the first request meets what there is, then go on polling."""
        self._thread.start()
        self._has_polled.wait(self._patience_seconds)

    def stop(self) -> None:
        """Stop polling; waits for a poll that is under way."""
        self._stopping.set()
        self._thread.join()

    def poll(self) -> None:
        """Look once; a problem is logged when it is new, and what was known before stays."""
        try:
            self._poll()
        # A driver may fail in ways of its own, and the thread must outlive each of them.
        except Exception as error:
            reason = self._reason(error)
            if reason != self._problem:
                self._log.warning(self.failure, extra={"fields": {"reason": reason}})
            self._problem = reason
        else:
            self._problem = None

    @abstractmethod
    def _poll(self) -> None:
        """Look once; may raise whatever it meets."""

    def _reason(self, error: Exception) -> str:
        return str(error)

    def _run(self) -> None:
        while True:
            self.poll()
            self._has_polled.set()
            if self._stopping.wait(self._poll_seconds):
                return
