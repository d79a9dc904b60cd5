"""Keeps the registry's challengers loaded; see `shadow_predictions` for what they answer."""

from collections.abc import Collection, Mapping

from serving.background.champions import LoadedVersion, ServableVersions, VersionLoader
from serving.background.poller import Poller


class ChallengerPoller(Poller):
    """Keeps the challengers loaded, except those of excluded targets.

    It polls in its own thread, and starting does not wait for the first poll. So a challenger that
    loads slowly delays no promotion. If a challenger cannot be loaded, this is only logged.
    """

    failure = "the challengers cannot be read"

    def __init__(
        self, registry: ServableVersions, poll_seconds: float, *, excluded: Collection[str]
    ) -> None:
        super().__init__(poll_seconds, "challengers", patience_seconds=0)
        self._registry = registry
        self._excluded = frozenset(excluded)
        self._loader = VersionLoader(registry, "challenger")
        self._challengers: Mapping[str, LoadedVersion] = {}

    def current(self) -> Mapping[str, LoadedVersion]:
        """Return the challenger of each target that has one, ready to predict."""
        return self._challengers

    def _poll(self) -> None:
        registered = self._registry.challengers()
        challengers = {}
        for target in registered.keys() - self._excluded:
            self.check_stop()
            loaded, problem = self._loader.load(self._challengers.get(target), registered[target])
            if loaded is not None and not problem:
                challengers[target] = loaded
        self._challengers = challengers
