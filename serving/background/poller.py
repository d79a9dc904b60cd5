"""Looks at something again and again from a background thread, never on a request's path."""

import threading
from abc import ABC, abstractmethod


class Poller(ABC):
    """Calls `refresh` when it starts, and from then on every `poll_seconds`.

    Starting waits for the first look, though not longer than `patience_seconds` if given.
    """

    def __init__(
        self, poll_seconds: float, name: str, patience_seconds: float | None = None
    ) -> None:
        self._poll_seconds = poll_seconds
        self._patience_seconds = patience_seconds
        self._stopping = threading.Event()
        self._has_looked = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=name, daemon=True)

    def start(self) -> None:
        """Look once, so that the first request meets what there is, then go on looking."""
        self._thread.start()
        self._has_looked.wait(self._patience_seconds)

    def stop(self) -> None:
        """Stop looking; waits for a look that is being taken."""
        self._stopping.set()
        self._thread.join()

    @abstractmethod
    def refresh(self) -> None:
        """Look once; must not raise, for the thread would end."""

    def _watch(self) -> None:
        while True:
            self.refresh()
            self._has_looked.set()
            if self._stopping.wait(self._poll_seconds):
                return
