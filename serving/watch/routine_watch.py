"""Looks for routines of the watched series, announces each once, and ends those that are none."""

import logging
from collections.abc import Callable, Collection, Iterable, Sequence

import numpy as np

from features.domain.telemetry.series_routine import SeriesRoutine
from models.timeseries.announced_routines import sentence_of
from models.timeseries.routines import find_routines, newest_excursions
from serving.watch.anomaly_tracker import at
from serving.watch.config import WatchConfig
from serving.watch.metrics import WatchMetrics
from serving.watch.routine_tracker import RoutineSeries, RoutineTracker
from serving.watch.series_keys import SeriesKey
from serving.watch.watched_query import WatchedQuery

_log = logging.getLogger(__name__)

# A step may take 2 seconds; so many series take .2 (`python tests/benchmarks/routine_timings.py`).
MOST_SERIES = 1_000
_VANISHED_SECONDS = 3_600.0

SaveRoutines = Callable[[Sequence[SeriesRoutine]], None]


class RoutineWatch:
    """Looks at the series whose memory of excursions changed, at most a thousand in a step.

    `save` stores routines before they are announced by a log line and a metric. What could not be
    saved is saved by the next step.
    """

    def __init__(self, config: WatchConfig, metrics: WatchMetrics, save: SaveRoutines) -> None:
        self._zone = config.zone
        self._metrics = metrics
        self._save = save
        self._tracker = RoutineTracker()
        self._unsaved: dict[str, SeriesRoutine] = {}
        self._unannounced: dict[str, SeriesRoutine] = {}
        self._end_vanished_at = 0.0

    def restore(self, routines: Iterable[SeriesRoutine]) -> None:
        """Continue with the routines of an earlier watch."""
        self._tracker.restore(routines)

    def step(
        self,
        queries: Collection[WatchedQuery],
        revoked: Iterable[SeriesRoutine],
        latest: int,
        now: float,
    ) -> None:
        """Look at the series that changed, and save and announce what was found.

        A query whose past is still being read up to the slot `latest` waits for that.
        """
        revoked_ids = {routine.id for routine in revoked}
        left = MOST_SERIES
        for query in queries:
            if query.seen_until is not None and query.seen_until >= latest and left > 0:
                left -= self._look(query, revoked_ids, now, left)
        if now >= self._end_vanished_at:
            self._end_vanished(queries, now)
            self._end_vanished_at = now + _VANISHED_SECONDS
        if self._unsaved:
            self._save(list(self._unsaved.values()))
            self._unsaved.clear()
        self._announce()

    def _look(self, query: WatchedQuery, revoked: Collection[str], now: float, most: int) -> int:
        """Find the routines of series with new excursions; return how many were looked at."""
        newest = newest_excursions(query.states)
        rows = np.flatnonzero(newest != query.newest_seen)[:most]
        for row in rows:
            key = query.keys[row]
            series = RoutineSeries(key, query.names[row], query.services[row], query.config.unit)
            found = find_routines(query.states[row], self._zone, with_current=False)
            self._add(self._tracker.update(series, found, revoked, at(now)), now)
        query.newest_seen[rows] = newest[rows]
        return len(rows)

    def _add(self, routines: Iterable[SeriesRoutine], now: float) -> None:
        for routine in routines:
            self._unsaved[routine.id] = routine
            if routine.learned_at == at(now):
                self._unannounced[routine.id] = routine

    def _end_vanished(self, queries: Iterable[WatchedQuery], now: float) -> None:
        watched: set[SeriesKey] = set()
        unread = set()
        for query in queries:
            watched.update(query.keys)
            if query.seen_until is None:
                unread.add(query.name)
        for key in self._tracker.lasting - watched:
            if key.query not in unread:
                self._add(self._tracker.end(key, at(now)), now)

    def _announce(self) -> None:
        for routine in self._unannounced.values():
            group = SeriesKey.parse(routine.series_key).group
            self._metrics.routines.labels(group).inc()
            fields = {"series": routine.series, "routine": sentence_of(routine), "id": routine.id}
            _log.info("a series has a routine", extra={"fields": fields})
        self._unannounced.clear()
