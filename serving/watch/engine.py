"""Scores what was read, all series of a tier at once, and finds what is out of line."""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from features.domain.series_anomaly import SeriesAnomaly
from features.store.incidents.series_states import StoredSeries
from models.base.series_model import SeriesModel, SeriesScores
from serving.watch.anomaly_tracker import AnomalyTracker, at
from serving.watch.config import WatchConfig
from serving.watch.query_reader import QueryResult
from serving.watch.score_window import Window, map_scores
from serving.watch.series_keys import SeriesKey
from serving.watch.watched_query import WatchedQuery

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Unsaved:
    """What the store does not know yet; `forgotten` are the keys of series that are gone."""

    queries: dict[str, WatchedQuery] = field(default_factory=dict)
    anomalies: dict[str, SeriesAnomaly] = field(default_factory=dict)
    forgotten: set[SeriesKey] = field(default_factory=set)

    def note(self, anomalies: Iterable[SeriesAnomaly]) -> None:
        """Add anomalies that began, changed or ended."""
        self.anomalies |= {anomaly.id: anomaly for anomaly in anomalies}


class WatchScorer:
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
        by_key = {SeriesKey.parse(text): series for text, series in stored.items()}
        for key, series in by_key.items():
            by_query[key.query].append(series)
        for name, query in self.queries.items():
            query.restore(by_query[name])
        known = {key for query in self.queries.values() for key in query.keys}
        self.unsaved.forgotten |= by_key.keys() - known
        for anomaly in anomalies:
            key = SeriesKey.of_anomaly(anomaly.id)
            if key in known:
                self._trackers[key.query].restore([anomaly])
            elif anomaly.ended_at is None:
                self.unsaved.note([replace(anomaly, ended_at=max(at(now), anomaly.onset_at))])

    def forget_future(self, latest: int) -> None:
        """Begin those queries anew that were read beyond the latest slot.

        They were read by a clock that was ahead, and their states take what had not happened yet
        for gaps. A step too far is only waited for.
        """
        ahead = [query for query in self.queries.values() if query.is_beyond(latest)]
        for query in ahead:
            gone = query.begin_anew()
            self.unsaved.note(self._trackers[query.name].end(gone, at(latest)))
            self.unsaved.forgotten.update(gone)
        if ahead:
            fields = {"queries": len(ahead)}
            _log.warning("the clock was ahead; queries begin anew", extra={"fields": fields})

    def feed(self, readings: Sequence[QueryResult]) -> dict[str, Exception]:
        """Score what was read; what follows from it is in `unsaved` and in the queries.

        Returns the errors of queries that could not be scored; the others are.
        """
        together: dict[tuple[str, bytes], list[QueryResult]] = defaultdict(list)
        for reading in readings:
            together[reading.query.config.tier, reading.times.tobytes()].append(reading)
        failed: dict[str, Exception] = {}
        for (tier, _), alike in together.items():
            failed |= self._feed_alike(self._models[tier], alike)
        return failed

    def known(self, query: WatchedQuery) -> list[SeriesAnomaly]:
        """Return the query's anomalies that last or ended lately."""
        return self._trackers[query.name].known

    def _feed_alike(
        self, model: SeriesModel, readings: Sequence[QueryResult]
    ) -> dict[str, Exception]:
        failed: dict[str, Exception] = {}
        try:
            windows = _score(model, readings)
        except Exception as error:
            if len(readings) == 1:
                return {readings[0].query.name: error}
            # By itself, each query but the one to blame goes on.
            for reading in readings:
                failed |= self._feed_alike(model, [reading])
            return failed
        for reading, window in zip(readings, windows, strict=True):
            try:
                self._follow(reading.query, window)
            except Exception as error:
                failed[reading.query.name] = error
        return failed

    def _follow(self, query: WatchedQuery, read: Window) -> None:
        tracker = self._trackers[query.name]
        both = query.take(read)
        self.unsaved.note(tracker.follow(both, self._budget_of_one(query)))
        gone = query.forget_vanished()
        self.unsaved.note(tracker.end(gone, at(int(read.times[-1]))))
        self.unsaved.forgotten.update(gone)
        self.unsaved.forgotten.difference_update(query.keys)
        self.unsaved.queries[query.name] = query

    def _budget_of_one(self, query: WatchedQuery) -> float:
        sharing: Counter[str] = Counter()
        for each in self.queries.values():
            sharing[each.group.name] += len(each.keys)
        return query.group.budget_per_week / max(1, sharing[query.group.name])


def _score(model: SeriesModel, readings: Sequence[QueryResult]) -> list[Window]:
    """Score readings of the same times by one call, and move the states of their queries on."""
    queries, times = [reading.query for reading in readings], readings[0].times
    values = [reading.query.values_of(reading.matrix) for reading in readings]
    states = np.concatenate([query.states for query in queries])
    scores = model.update(states, times, np.concatenate(values))
    windows, end = [], 0
    for query, of_query in zip(queries, values, strict=True):
        rows = slice(end, end := end + len(of_query))
        query.states = states[rows]
        found = _rows_of(scores, rows).within(query.config.bounds)
        windows.append(Window(times, of_query, found))
    return windows


def _rows_of(scores: SeriesScores, rows: slice) -> SeriesScores:
    return map_scores(lambda array: array[rows], scores)
