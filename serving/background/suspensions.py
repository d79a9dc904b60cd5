"""Reads which versions are suspended, so that their answers abstain."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from features.domain.suspension import Suspension
from features.store.store import Store
from serving.background.champions import Champions, LoadedVersion
from serving.background.poller import Poller

Suspensions = Mapping[tuple[str, str], Suspension]
"""The suspensions in force, by target and version."""


class SuspensionPoller(Poller):
    """Keeps `suspensions` up to date.

    While the store is unavailable, the suspensions read last stay in force.
    """

    failure = "the suspensions cannot be read"

    def __init__(self, store: Store, poll_seconds: float) -> None:
        super().__init__(poll_seconds, "suspensions")
        self._store = store
        self._suspensions: Suspensions = {}

    @property
    def suspensions(self) -> Suspensions:
        """The suspensions of this moment; each request reads them once."""
        return self._suspensions

    def of(self, champion: LoadedVersion) -> Suspension | None:
        """Return the suspension of a champion, None if it is not suspended."""
        return self._suspensions.get((champion.version.target, champion.version.version))

    def _poll(self) -> None:
        suspensions = {(one.target, one.version): one for one in self._store.suspensions.all()}
        if suspensions != self._suspensions:
            fields = {"suspended": [" ".join(key) for key in suspensions]}
            self._log.warning("the suspensions changed", extra={"fields": fields})
            self._suspensions = suspensions


class SuspensionCollector(Collector):
    """Exports to Prometheus which champions are suspended."""

    def __init__(self, poller: SuspensionPoller, champions: Callable[[], Champions]) -> None:
        self._poller = poller
        self._champions = champions

    def collect(self) -> Iterator[Metric]:
        """Yield a gauge with 1 for each suspended champion and 0 for each other one."""
        gauge = GaugeMetricFamily(
            "precedent_suspended",
            "Whether the champion abstains because it is worse than always giving one label",
            labels=["target"],
        )
        for target, champion in self._champions().serving.items():
            gauge.add_metric([target], float(self._poller.of(champion) is not None))
        yield gauge
