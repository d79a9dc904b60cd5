"""Follows what the owner of the models allows."""

import logging

from features.domain.modes import Modes
from features.store.store import Store
from serving.background.poller import Poller

_log = logging.getLogger(__name__)


class ModePoller(Poller):
    """Keeps `modes` up to date; what was read last stays in force while the store is away."""

    def __init__(self, store: Store, poll_seconds: float) -> None:
        # A thread of its own: a version that takes long to load must not hold up a switch-off.
        super().__init__(poll_seconds, "modes")
        self._store = store
        self._modes = Modes()
        self._problem: str | None = None

    @property
    def modes(self) -> Modes:
        """What the owner allows now; a request takes it once and keeps it to its end."""
        return self._modes

    def refresh(self) -> None:
        """Look into the store once."""
        try:
            modes = self._store.modes.current()
        # A driver may fail in ways of its own, and the thread must outlive each of them.
        except Exception as error:
            if str(error) != self._problem:
                _log.warning("the modes cannot be read", extra={"fields": {"reason": str(error)}})
            self._problem = str(error)
            return
        self._problem = None
        if modes != self._modes:
            _log.info("the modes changed", extra={"fields": {"settings": len(modes.settings)}})
            self._modes = modes
