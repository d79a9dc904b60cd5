"""What Prometheus may know about the service.

Each process counts for itself; several workers count in a folder that they share, and any one of
them answers for all. The library looks for that folder in the environment when it is imported.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, generate_latest
from prometheus_client.core import InfoMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from features.home import Home
from serving.champions import Champions
from serving.modes import Answer

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


@contextmanager
def share_between_workers(home: Home) -> Iterator[None]:
    """Give the workers that are started meanwhile a folder to count in together."""
    with TemporaryDirectory(prefix="metrics-", dir=home.root / "cache") as folder:
        os.environ[SHARED_FOLDER] = folder
        yield


class ServingMetrics:
    """The counters of one app, in a registry of its own."""

    def __init__(self, champions: Callable[[], Champions]) -> None:
        self._registry = CollectorRegistry()
        self._champions = _ChampionCollector(champions)
        self._requests = Counter(
            "precedent_requests",
            "Requests answered",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "precedent_request_seconds",
            "Time to answer a request",
            ["route"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._decisions = Counter(
            "precedent_decisions",
            "Predictions made",
            ["target", "decision", "mode"],
            registry=self._registry,
        )
        self._cleaned = Counter(
            "precedent_cleaned_texts",
            "Texts from which control characters or lone surrogates were removed",
            registry=self._registry,
        )
        if SHARED_FOLDER not in os.environ:
            self._registry.register(self._champions)

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def count_decisions(self, answers: Iterable[Mapping[str, Answer]]) -> None:
        """Count what was decided for each target, and what was allowed."""
        for by_target in answers:
            for target, answer in by_target.items():
                self._decisions.labels(target, answer.decision, answer.mode).inc()

    def count_cleaned(self, texts: int) -> None:
        """Count texts that had to be cleaned."""
        self._cleaned.inc(texts)

    def render(self) -> bytes:
        """Return the metrics in Prometheus' text format, of all workers where they share."""
        if SHARED_FOLDER not in os.environ:
            return generate_latest(self._registry)
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        shared.register(self._champions)
        return generate_latest(shared)


class _ChampionCollector(Collector):
    def __init__(self, champions: Callable[[], Champions]) -> None:
        self._champions = champions

    def collect(self) -> Iterator[Metric]:
        found = InfoMetricFamily("precedent_champion", "Versions that answer", labels=["target"])
        for target, champion in self._champions().serving.items():
            found.add_metric([target], {"version": champion.version.version})
        yield found
