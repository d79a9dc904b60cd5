"""Reads the modes that the owner of the models sets, and keeps them up to date."""

from threading import Lock

from features.domain.modes import Modes
from features.store.store import Store
from serving.background.poller import Poller


class ModePoller(Poller):
    """Keeps `modes` up to date; while the store is unavailable, the last modes stay in force."""

    failure = "the modes cannot be read"

    def __init__(self, store: Store, poll_seconds: float) -> None:
        # In a thread of its own: a version that loads slowly must not delay switching a target off.
        super().__init__(poll_seconds, "modes")
        self._store = store
        self._modes = Modes()
        self._lock = Lock()

    @property
    def modes(self) -> Modes:
        """The modes of this moment; each request reads them once."""
        return self._modes

    def _poll(self) -> None:
        # Polls of two threads must not end in another order than they read.
        with self._lock:
            modes = self._store.modes.current()
            if modes != self._modes:
                fields = {"settings": len(modes.settings)}
                self._log.info("the modes changed", extra={"fields": fields})
                self._modes = modes
