"""Scores what was read, all series of a tier at once, and finds what is out of line."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from features.history.telemetry import StoredSeries
from features.incident.anomaly import SeriesAnomaly
from models.series_model import SeriesModel, SeriesScores
from serving.watch.config import Bounds, WatchConfig
from serving.watch.grid import Values
from serving.watch.identity import key_of, query_of
from serving.watch.query import WatchedQuery
from serving.watch.reading import Reading
from serving.watch.tracking import AnomalyTracker, at
from serving.watch.window import Window, map_scores


@dataclass(slots=True)
class Unsaved:
    """What the store does not know yet; `forgotten` are the keys of series that are gone."""

    queries: dict[str, WatchedQuery] = field(default_factory=dict)
    anomalies: dict[str, SeriesAnomaly] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)

    def note(self, anomalies: Iterable[SeriesAnomaly]) -> None:
        """Add anomalies that began, changed or ended."""
        self.anomalies |= {anomaly.id: anomaly for anomaly in anomalies}


class Engine:
    """The queries of a watch with their series, scores and anomalies. Knows no server and no store.

    `models` has a model for each tier. The step is made of whole arrays: of each tier, the queries
    that were read up to the same time are scored by one call.
    """

    def __init__(self, config: WatchConfig, models: Mapping[str, SeriesModel]) -> None:
        self._models = models
        self.queries = {
            query.name: query
            for query in (
                WatchedQuery(
                    group,
                    series,
                    models[series.tier],
                    step_seconds=config.step_seconds,
                    max_series=config.max_series,
                )
                for group, series in config.queries()
            )
        }
        self.unsaved = Unsaved()
        self._trackers = {name: AnomalyTracker(query) for name, query in self.queries.items()}

    def restore(
        self, stored: Mapping[str, StoredSeries], anomalies: Sequence[SeriesAnomaly], now: float
    ) -> None:
        """Go on from what a watch before this one kept, and drop what is no longer watched."""
        by_query: dict[str, list[StoredSeries]] = defaultdict(list)
        for key, each in stored.items():
            by_query[query_of(key)].append(each)
        for name, query in self.queries.items():
            query.restore(by_query[name])
        known = {key for query in self.queries.values() for key in query.keys}
        self.unsaved.forgotten |= stored.keys() - known
        for anomaly in anomalies:
            if key_of(anomaly.id) in known:
                self._trackers[query_of(anomaly.id)].restore([anomaly])
            elif anomaly.ended_at is None:
                self.unsaved.note([replace(anomaly, ended_at=max(at(now), anomaly.onset_at))])

    def feed(self, readings: Sequence[Reading]) -> None:
        """Score what was read; what follows from it is in `unsaved` and in the queries."""
        together: dict[tuple[str, bytes], list[tuple[Reading, Values]]] = defaultdict(list)
        for reading in readings:
            values = reading.query.values_of(reading.matrix)
            tier = reading.query.config.tier
            together[tier, reading.times.tobytes()].append((reading, values))
        for (of_tier, _), parts in together.items():
            for reading, window in self._score(self._models[of_tier], parts):
                self._follow(reading.query, window)

    def known(self, query: WatchedQuery) -> list[SeriesAnomaly]:
        """Return the query's anomalies that last or ended lately."""
        return self._trackers[query.name].known

    def _score(
        self, model: SeriesModel, parts: Sequence[tuple[Reading, Values]]
    ) -> Iterable[tuple[Reading, Window]]:
        queries, times = [reading.query for reading, _ in parts], parts[0][0].times
        states = np.concatenate([query.states for query in queries])
        scores = model.update(states, times, np.concatenate([values for _, values in parts]))
        ends = np.cumsum([len(query.keys) for query in queries])
        for (reading, values), end in zip(parts, ends, strict=True):
            rows = slice(end - len(values), end)
            reading.query.states = states[rows]
            bounds = reading.query.config.bounds
            yield reading, Window(times, values, _within(_rows_of(scores, rows), bounds))

    def _follow(self, query: WatchedQuery, read: Window) -> None:
        tracker = self._trackers[query.name]
        both = query.take(read)
        self.unsaved.note(tracker.follow(both, self._budget_of_one(query)))
        gone = query.forget_vanished()
        self.unsaved.note(tracker.end(gone))
        self.unsaved.forgotten.update(gone)
        self.unsaved.forgotten.difference_update(query.keys)
        self.unsaved.queries[query.name] = query

    def _budget_of_one(self, query: WatchedQuery) -> float:
        sharing: Counter[str] = Counter()
        for each in self.queries.values():
            sharing[each.group.name] += len(each.keys)
        return query.group.budget_per_week / max(1, sharing[query.group.name])


def _within(scores: SeriesScores, bounds: Bounds) -> SeriesScores:
    """Keep what is expected inside what the metric can be."""
    if bounds == (None, None):
        return scores
    return replace(
        scores,
        expected=np.clip(scores.expected, *bounds),
        lower=np.clip(scores.lower, *bounds),
        upper=np.clip(scores.upper, *bounds),
    )


def _rows_of(scores: SeriesScores, rows: slice) -> SeriesScores:
    return map_scores(lambda array: array[rows], scores)
