"""Scores new points, all series of a tier at once, and finds anomalies."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo

import numpy as np
from numpy.typing import NDArray

from features.domain.telemetry.series_anomaly import SeriesAnomaly
from features.domain.telemetry.series_routine import SeriesRoutine
from features.store.incidents.series_states import StoredSeries
from features.timeseries.time_grid import Times, Values, local_clock
from models.base.series_model import SeriesModel, SeriesScores
from models.timeseries.held_series import MOVED_POINTS
from models.timeseries.revoked_routines import RevokedRoutine, update_revoked
from models.timeseries.unlearned_moves import UnlearnedMoves
from serving.watch.anomaly_tracker import AnomalyTracker, at
from serving.watch.config import WatchConfig
from serving.watch.group_budgets import GroupBudgets
from serving.watch.open_incidents import OpenIncidents
from serving.watch.query_reader import QueryResult
from serving.watch.score_window import Window, map_scores
from serving.watch.series_keys import SeriesKey
from serving.watch.watched_query import WatchedQuery

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Unsaved:
    """Changes that are not stored yet; `forgotten` has the keys of series no longer watched."""

    queries: dict[str, WatchedQuery] = field(default_factory=dict)
    anomalies: dict[str, SeriesAnomaly] = field(default_factory=dict)
    forgotten: set[SeriesKey] = field(default_factory=set)

    def add(self, anomalies: Iterable[SeriesAnomaly]) -> None:
        """Add anomalies that began, changed or ended."""
        self.anomalies |= {anomaly.id: anomaly for anomaly in anomalies}


class WatchScorer:
    """Scores the series of all queries and tracks their anomalies; uses no server and no store.

    `models` has a model for each tier. Queries of one tier are scored by one call, on whole arrays,
    if their new points have the same times.
    """

    def __init__(self, config: WatchConfig, models: Mapping[str, SeriesModel]) -> None:
        self._models = models
        self._zone = config.zone
        self._usual_states: dict[SeriesKey, np.void] = {}
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
        self.budgets = GroupBudgets(config.groups, self.queries.values())
        self._trackers = {name: AnomalyTracker(query) for name, query in self.queries.items()}

    def restore(
        self, stored: Mapping[str, StoredSeries], anomalies: Sequence[SeriesAnomaly], now: float
    ) -> None:
        """Continue from the state of an earlier watch.

        Series that are no longer watched are forgotten, and their anomalies end.
        """
        by_query: dict[str, list[StoredSeries]] = defaultdict(list)
        by_key = {SeriesKey.parse(text): series for text, series in stored.items()}
        for key, series in by_key.items():
            by_query[key.query].append(series)
        for name, query in self.queries.items():
            query.restore(by_query[name])
        watched = {key for query in self.queries.values() for key in query.keys}
        self.unsaved.forgotten |= by_key.keys() - watched
        for anomaly in anomalies:
            key = SeriesKey.of_anomaly(anomaly.id)
            if key in watched:
                self._trackers[key.query].restore([anomaly])
            elif anomaly.ended_at is None:
                self.unsaved.add([replace(anomaly, ended_at=max(at(now), anomaly.onset_at))])

    def forget_future(self, latest: int) -> None:
        """Reset the queries that were read beyond the latest slot.

        They were read while the clock was ahead, so their states count times that had not come yet
        as missing values. A query that is only one step ahead is kept.
        """
        ahead = [query for query in self.queries.values() if query.is_beyond(latest)]
        for query in ahead:
            keys = query.reset()
            self.unsaved.add(self._trackers[query.name].end(keys, at(latest)))
            self.unsaved.forgotten.update(keys)
            self._forget_usual(keys)
        if ahead:
            self.budgets.forget_after(latest)
            fields = {"queries": len(ahead)}
            _log.warning("the clock was ahead; queries are read again", extra={"fields": fields})

    def score(
        self,
        results: Sequence[QueryResult],
        incidents: OpenIncidents,
        revoked: Sequence[SeriesRoutine] = (),
    ) -> dict[str, Exception]:
        """Score new points; return the errors of the queries that could not be scored, by name.

        The scores are added to the queries' windows, changed anomalies to `unsaved`. Series do not
        learn from their moves while one of the `incidents` was open on their service. What is like
        a revoked routine is flagged.
        """
        batches: dict[tuple[str, bytes], list[QueryResult]] = defaultdict(list)
        for result in results:
            batches[result.query.config.tier, result.times.tobytes()].append(result)
        failed: dict[str, Exception] = {}
        for (tier, _), batch in batches.items():
            update = _Update(self._models[tier], self._zone, incidents, revoked, self._usual_states)
            failed |= self._score_batch(update, batch)
        return failed

    def recent_anomalies(self, query: WatchedQuery) -> list[SeriesAnomaly]:
        """Return the query's anomalies that last, or that a later flag may still continue."""
        return self._trackers[query.name].recent

    def _score_batch(self, update: "_Update", batch: Sequence[QueryResult]) -> dict[str, Exception]:
        failed: dict[str, Exception] = {}
        try:
            windows = _score(update, batch)
        except Exception as error:
            if len(batch) == 1:
                return {batch[0].query.name: error}
            # The queries are scored one by one, so that only the one that causes the error fails.
            for result in batch:
                failed |= self._score_batch(update, [result])
            return failed
        for result, window in zip(batch, windows, strict=True):
            try:
                self._track(result.query, window)
            except Exception as error:
                failed[result.query.name] = error
        return failed

    def _forget_usual(self, keys: Iterable[SeriesKey]) -> None:
        for key in keys:
            self._usual_states.pop(key, None)

    def _track(self, query: WatchedQuery, new: Window) -> None:
        tracker = self._trackers[query.name]
        window = query.append(new)
        budget = self.budgets.per_series(query.group, int(new.times[0]))
        self.unsaved.add(tracker.update(window, budget))
        self.budgets.learn(query, new)
        vanished = query.forget_vanished()
        self.unsaved.add(tracker.end(vanished, at(int(new.times[-1]))))
        self.unsaved.forgotten.update(vanished)
        self._forget_usual(vanished)
        if self.unsaved.forgotten:
            self.unsaved.forgotten.difference_update(query.keys)
        self.unsaved.queries[query.name] = query


@dataclass(frozen=True, slots=True)
class _Update:
    """What the series of a tier are scored with."""

    model: SeriesModel
    zone: tzinfo
    incidents: OpenIncidents
    revoked: Sequence[SeriesRoutine]
    usual_states: dict[SeriesKey, np.void]

    def score(
        self,
        queries: Sequence[WatchedQuery],
        states: NDArray[np.void],
        times: Times,
        values: Values,
    ) -> SeriesScores:
        """Score the new points of these queries' series, one query after the other."""
        services = [service for query in queries for service in query.services]
        earlier = np.concatenate([query.window.last_alarms(MOVED_POINTS - 1) for query in queries])
        keys = [key for query in queries for key in query.keys]
        usual = {
            row: self.usual_states[key] for row, key in enumerate(keys) if key in self.usual_states
        }
        moves = UnlearnedMoves(self.incidents.by_row(services), self.model, earlier, usual)
        rows = _rows_revoked(queries, self.revoked)
        clock = local_clock(times, self.zone)
        step_seconds = queries[0].step_seconds
        scores = update_revoked(rows, moves.update, step_seconds, states, times, values, clock)
        for key in keys:
            self.usual_states.pop(key, None)
        self.usual_states.update((keys[row], state) for row, state in moves.usual.items())
        return scores


def _score(update: _Update, batch: Sequence[QueryResult]) -> list[Window]:
    """Score results with the same times by one call, and update the states of their queries."""
    queries, times = [result.query for result in batch], batch[0].times
    values = [result.query.values_of(result.matrix) for result in batch]
    states = np.concatenate([query.states for query in queries])
    scores = update.score(queries, states, times, np.concatenate(values))
    windows, end = [], 0
    for query, query_values in zip(queries, values, strict=True):
        rows = slice(end, end := end + len(query_values))
        query.states = states[rows]
        query_scores = _rows_of(scores, rows).within(query.config.bounds)
        windows.append(Window(times, query_values, query_scores))
    return windows


def _rows_revoked(
    queries: Sequence[WatchedQuery], revoked: Sequence[SeriesRoutine]
) -> list[RevokedRoutine]:
    """Return the revoked routines of queries whose rows are joined."""
    by_key = [(SeriesKey.parse(routine.series_key), routine) for routine in revoked]
    rows, first = [], 0
    for query in queries:
        for key, routine in by_key:
            row = query.row_of(key)
            if row is not None:
                rows.append(RevokedRoutine(first + row, routine.lower, routine.upper))
        first += len(query.keys)
    return rows


def _rows_of(scores: SeriesScores, rows: slice) -> SeriesScores:
    return map_scores(lambda array: array[rows], scores)
