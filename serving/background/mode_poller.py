"""Follows what the owner of the models allows."""

from features.domain.modes import Modes
from features.store.store import Store
from serving.background.poller import Poller


class ModePoller(Poller):
    """Keeps `modes` up to date; what was read last stays in force while the store is away."""

    failure = "the modes cannot be read"

    def __init__(self, store: Store, poll_seconds: float) -> None:
        # A thread of its own: a version that takes long to load must not hold up a switch-off.
        super().__init__(poll_seconds, "modes")
        self._store = store
        self._modes = Modes()

    @property
    def modes(self) -> Modes:
        """What the owner allows now; a request takes it once and keeps it to its end."""
        return self._modes

    def _poll(self) -> None:
        modes = self._store.modes.current()
        if modes != self._modes:
            self._log.info("the modes changed", extra={"fields": {"settings": len(modes.settings)}})
            self._modes = modes
