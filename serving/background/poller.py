"""Repeats a task in a background thread, so that no request waits for it."""

import logging
import threading
import time
from abc import ABC, abstractmethod
from typing import ClassVar

_STOP_SECONDS = 3.0


class Poller(ABC):
    """Polls at the start, and again `poll_seconds` after the end of each poll.

    Starting waits until the first poll ends, at most `patience_seconds` (None: without a limit), or
    until the task is told to stop. A poll that takes long calls `check_stop` between its steps.
    """

    failure: ClassVar[str]
    """The message that is logged when a poll fails."""

    def __init__(
        self, poll_seconds: float, name: str, patience_seconds: float | None = None
    ) -> None:
        self._poll_seconds = poll_seconds
        self._patience_seconds = patience_seconds
        self._stopping = threading.Event()
        self._has_polled = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._stop_by = 0.0
        self._problem: str | None = None
        self._log = logging.getLogger(type(self).__module__)

    @property
    def is_failing(self) -> bool:
        """Whether the last poll failed."""
        return self._problem is not None

    def start(self) -> None:
        """Start polling and wait for the first poll, so that the first request finds its result."""
        self._thread.start()
        self._has_polled.wait(self._patience_seconds)

    def request_stop(self) -> None:
        """Tell the task to stop, without waiting for it."""
        if not self._stopping.is_set():
            self._stop_by = time.monotonic() + _STOP_SECONDS
        self._stopping.set()
        self._has_polled.set()

    def stop(self) -> None:
        """Stop polling; a poll that is running has three seconds from the request to stop."""
        self.request_stop()
        if self._thread.ident is None:
            return
        self._thread.join(max(0.0, self._stop_by - time.monotonic()))
        if self._thread.is_alive():
            fields = {"task": self._thread.name}
            self._log.warning("a background task is still running", extra={"fields": fields})

    def check_stop(self) -> None:
        """Raise `InterruptedError` if this is the task's own thread and it was told to stop.

        Requests that do the same work in their own threads go on.
        """
        if self._stopping.is_set() and threading.current_thread() is self._thread:
            raise InterruptedError("the service is stopping")

    def poll(self) -> None:
        """Poll once; after an error the previous result stays, and a new error is logged."""
        try:
            self._poll()
        except InterruptedError:
            return
        # Drivers may raise any error, and the thread must not end.
        except Exception as error:
            reason = self._reason(error)
            if reason != self._problem:
                self._log.warning(self.failure, extra={"fields": {"reason": reason}})
            self._problem = reason
        else:
            self._problem = None

    @abstractmethod
    def _poll(self) -> None:
        """Poll once; any error is logged by `poll`."""

    def _reason(self, error: Exception) -> str:
        return str(error)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.poll()
            self._has_polled.set()
            self._stopping.wait(self._poll_seconds)
