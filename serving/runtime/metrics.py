"""The Prometheus metrics of the service.

A single process counts in memory. Several workers count in files of a shared folder, and each of
them can report the sums. The Prometheus client reads the name of this folder from the environment
when it is imported.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from features.domain.labels import LabelRecord
from features.home import Home

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


@contextmanager
def share_between_workers(home: Home) -> Iterator[None]:
    """Set a temporary folder for the counts of all workers that are started in this context."""
    with TemporaryDirectory(prefix="metrics-", dir=home.root / "cache") as folder:
        os.environ[SHARED_FOLDER] = folder
        yield


class ServingMetrics:
    """The counters of one app, in their own registry.

    `collectors` have the same values in every worker, so their values are not summed: the worker
    that is scraped reports its own.
    """

    def __init__(self, collectors: Sequence[Collector] = ()) -> None:
        self._registry = CollectorRegistry()
        self._collectors = tuple(collectors)
        if SHARED_FOLDER not in os.environ:
            self._register_collectors(self._registry)
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
        self._labels, self._shadow, self._shadow_drops = _learning_counters(self._registry)
        self._queue, self._refused, self._dropped = _overload_metrics(self._registry)

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def count_decision(self, target: str, decision: str, mode: str) -> None:
        """Count one prediction by its target, decision and mode."""
        self._decisions.labels(target, decision, mode).inc()

    def count_cleaned(self, texts: int) -> None:
        """Count texts from which control characters or lone surrogates were removed."""
        self._cleaned.inc(texts)

    def count_labels(self, labels: Iterable[LabelRecord]) -> None:
        """Count new labels."""
        for label in labels:
            self._labels.labels(label.target, label.source.value).inc()

    def count_shadow(self, target: str, *, agrees: bool) -> None:
        """Count an answer of a challenger, by whether the champion gave the same label."""
        self._shadow.labels(target, "yes" if agrees else "no").inc()

    def count_shadow_drops(self, incidents: int) -> None:
        """Count incidents for which an answer of a challenger was not given or not stored."""
        self._shadow_drops.inc(incidents)

    def change_queue_length(self, lane: str, change: int) -> None:
        """Add to the length of a lane's queue."""
        self._queue.labels(lane).inc(change)

    def count_refused(self, lane: str, reason: str) -> None:
        """Count a request that was refused because of overload."""
        self._refused.labels(lane, reason).inc()

    def count_dropped(self, lane: str) -> None:
        """Count a request whose client had gone before its work began."""
        self._dropped.labels(lane).inc()

    def render(self) -> bytes:
        """Return the metrics in Prometheus' text format, summed over the workers."""
        if SHARED_FOLDER not in os.environ:
            return generate_latest(self._registry)
        shared = CollectorRegistry()
        self._register_collectors(shared)
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        return generate_latest(shared)

    def _register_collectors(self, registry: CollectorRegistry) -> None:
        for collector in self._collectors:
            registry.register(collector)


def _learning_counters(registry: CollectorRegistry) -> tuple[Counter, Counter, Counter]:
    labels = Counter(
        "precedent_labels",
        "Labels given, by their source",
        ["target", "source"],
        registry=registry,
    )
    shadow = Counter(
        "precedent_shadow_answers",
        "Answers of challengers, by whether the champion gave the same label",
        ["target", "agrees"],
        registry=registry,
    )
    drops = Counter(
        "precedent_shadow_dropped",
        "Incidents that a challenger did not answer, because it was busy or failed",
        registry=registry,
    )
    return labels, shadow, drops


def _overload_metrics(registry: CollectorRegistry) -> tuple[Gauge, Counter, Counter]:
    queue = Gauge(
        "precedent_queue_length",
        "Work that waits for a thread, in incidents",
        ["lane"],
        registry=registry,
        multiprocess_mode="livesum",
    )
    refused = Counter(
        "precedent_requests_refused",
        "Requests answered 503 because of overload, by the reason: queue_full or deadline",
        ["lane", "reason"],
        registry=registry,
    )
    dropped = Counter(
        "precedent_requests_dropped",
        "Requests whose client had gone before their work began",
        ["lane"],
        registry=registry,
    )
    return queue, refused, dropped
