"""Follows the registry's challengers, which answer in silence; see `shadow`."""

from collections.abc import Collection, Mapping

from serving.background.champions import LoadedVersion, ServableVersions, VersionLoader
from serving.background.poller import Poller


class ChallengerPoller(Poller):
    """Keeps the challengers loaded, but those of the targets that are left out.

    A thread of its own, for which starting does not wait: a challenger that takes long to load, or
    cannot be had, holds up no promotion and troubles nobody but the log.
    """

    failure = "the challengers cannot be followed"

    def __init__(
        self, registry: ServableVersions, poll_seconds: float, *, without: Collection[str]
    ) -> None:
        super().__init__(poll_seconds, "challengers", patience_seconds=0)
        self._registry = registry
        self._without = frozenset(without)
        self._loader = VersionLoader(registry, "challenger")
        self._challengers: Mapping[str, LoadedVersion] = {}

    def current(self) -> Mapping[str, LoadedVersion]:
        """Return the challenger of each target that has one, ready to predict."""
        return self._challengers

    def _poll(self) -> None:
        registered = self._registry.challengers()
        found = {}
        for target in registered.keys() - self._without:
            present, problem = self._loader.load(self._challengers.get(target), registered[target])
            if present is not None and not problem:
                found[target] = present
        self._challengers = found
