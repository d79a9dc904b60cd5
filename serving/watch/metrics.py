"""The Prometheus metrics of the watch: scores of the series, and how the watch itself works."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from serving.watch.watched_query import WatchedQuery

_LABELS = ("series", "group", "service")
_EXPORTED = {
    "score": ("precedent_anomaly_score", "How unusual the latest value is; higher is more unusual"),
    "expected": ("precedent_expected_value", "The value that was expected"),
    "lower": ("precedent_lower_bound", "The lower end of the expected band"),
    "upper": ("precedent_upper_bound", "The upper end of the expected band"),
}


@dataclass(frozen=True, slots=True)
class _Latest:
    """The latest scores of one query's series, by the keys of `_EXPORTED`."""

    names: Sequence[tuple[str, str, str]]
    columns: dict[str, NDArray[np.float64]]


class WatchMetrics:
    """The metrics of one watch, in a registry of their own.

    Scores are kept as arrays and turned into metrics only during a scrape.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._latest = _LatestCollector()
        self.registry.register(self._latest)
        self.is_active = Gauge(
            "precedent_watch_is_active",
            "1 while this process watches, 0 while another does",
            registry=self.registry,
        )
        self._failures = Counter(
            "precedent_watch_failures",
            "Attempts that failed, by part of the watch",
            ["part"],
            registry=self.registry,
        )
        self.notifications = Counter(
            "precedent_watch_notifications",
            "Notifications that were sent, each counted once",
            ["group"],
            registry=self.registry,
        )
        self.routines = Counter(
            "precedent_watch_routines",
            "Routines of series that were announced, each counted once",
            ["group"],
            registry=self.registry,
        )
        self.firing = Gauge(
            "precedent_watch_firing", "Notifications that fire now", registry=self.registry
        )
        self.step_seconds = Histogram(
            "precedent_watch_step_seconds",
            "Time to read, score and save",
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
            registry=self.registry,
        )
        self._lag = Gauge(
            "precedent_watch_lag_seconds",
            "Age of the latest point that was scored",
            ["query"],
            registry=self.registry,
        )
        self._series = Gauge(
            "precedent_watch_series", "Series watched", ["query"], registry=self.registry
        )

    def count_failure(self, part: str) -> Callable[[], None]:
        """Return a function that counts a failure of a part of the watch."""
        return self._failures.labels(part).inc

    def update(self, queries: Iterable[WatchedQuery], now: float) -> None:
        """Export the latest scores of these queries, and the age of each query's latest point."""
        latest = {}
        for query in queries:
            self._series.labels(query.name).set(len(query.keys))
            if query.seen_until is not None:
                self._lag.labels(query.name).set(now - query.seen_until)
                # After a restart a query has no points until it is read.
                if len(query.window.times):
                    latest[query.name] = _latest_of(query)
        self._latest.latest = latest

    def clear(self) -> None:
        """Stop exporting scores, because this process does not watch any more."""
        self._latest.latest = {}
        self._lag.clear()
        self._series.clear()


class _LatestCollector(Collector):
    def __init__(self) -> None:
        self.latest: dict[str, _Latest] = {}

    def collect(self) -> Iterator[Metric]:
        latest = list(self.latest.values())
        for column, (name, help_text) in _EXPORTED.items():
            family = GaugeMetricFamily(name, help_text, labels=_LABELS)
            for scores in latest:
                values = scores.columns[column].tolist()
                for labels, value in zip(scores.names, values, strict=True):
                    family.add_metric(labels, value)
            yield family


def _latest_of(query: WatchedQuery) -> _Latest:
    group = query.group.name
    # Columns are copied: a view would keep the whole window of this step in memory.
    columns = {name: getattr(query.window.scores, name)[:, -1].copy() for name in _EXPORTED}
    names = [
        (name, group, service or "")
        for name, service in zip(query.names, query.services, strict=True)
    ]
    return _Latest(names, columns)
