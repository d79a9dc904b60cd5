"""Looks at something again and again from a background thread, never on a request's path."""

import threading
from abc import ABC, abstractmethod


class Watcher(ABC):
    """Calls `refresh` when it starts, and from then on every `poll_seconds`."""

    def __init__(self, poll_seconds: float, name: str) -> None:
        self._poll_seconds = poll_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=name, daemon=True)

    def start(self) -> None:
        """Look once, so that the first request meets what there is, then go on looking."""
        self.refresh()
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; waits for a look that is being taken."""
        self._stopping.set()
        self._thread.join()

    @abstractmethod
    def refresh(self) -> None:
        """Look once; must not raise, for the thread would end."""

    def _watch(self) -> None:
        while not self._stopping.wait(self._poll_seconds):
            self.refresh()
