"""The past of a query's series at a coarse step, from which breaches are forecast."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from features.timeseries.resampling import SeriesGrid
from features.timeseries.time_grid import Times, Values, floor_to_slot, slots
from serving.watch.clients.prometheus import Matrix, PrometheusClient
from serving.watch.config import WatchedGroup, WatchedSeries
from serving.watch.series_keys import SeriesKey

COARSE_SECONDS = 300
_COARSEST_SECONDS = 3_600
_FINER = 5
_MOST_POINTS = 500_000
_MOST_SLOTS = 10_000


@dataclass(slots=True)
class PastValues:
    """Reads the highest value of each five minutes, or the lowest for a level below.

    Prometheus aggregates them, so that no peak between two samples is missed. The step is longer
    where there are so many series that their past would be too large.
    """

    group: WatchedGroup
    config: WatchedSeries
    least_step_seconds: int
    history_days: float
    keys: dict[SeriesKey, Mapping[str, str]] = field(default_factory=dict)
    step_seconds: int = 0
    times: Times = field(default_factory=lambda: np.empty(0, np.int64))
    _values: dict[SeriesKey, NDArray[np.float64]] = field(default_factory=dict)

    def read(self, prometheus: PrometheusClient, now: float) -> None:
        """Read what is new; raises `RequestFailed`."""
        if not self.step_seconds:
            self._choose_step(prometheus, now)
        step = self.step_seconds
        last = floor_to_slot(now, step)
        oldest = last - int(self.history_days * 86_400) // step * step
        first = max(oldest, int(self.times[-1]) + step) if len(self.times) else oldest
        while first <= last:
            new = slots(first, min(last, first + (_MOST_SLOTS - 1) * step), step)
            self._add(new, prometheus.read(self.promql(), new, step))
            first = int(new[-1]) + step
        kept = self.times >= oldest
        self.times = self.times[kept]
        self._values = {key: values[kept] for key, values in self._values.items()}
        self._forget_vanished()

    def live_keys(self, now: float) -> list[SeriesKey]:
        """Return the series that had a value in the last hour."""
        recent = self.times > now - _COARSEST_SECONDS - self.step_seconds
        return [key for key, values in self._values.items() if np.isfinite(values[recent]).any()]

    def promql(self) -> str:
        """Return the query for the highest or the lowest value of each step."""
        step = self.step_seconds
        window = f"[{step}s:{max(1, min(self.least_step_seconds, step // _FINER))}s]"
        query = f"({self.config.query})"
        if self.config.counter:
            query = f"rate({self.config.query}[{max(2 * self.least_step_seconds, 60)}s])"
        function = "max" if self.config.direction == "above" else "min"
        return f"{function}_over_time({query}{window})"

    def grid(self, key: SeriesKey) -> SeriesGrid:
        """Return the past of one series."""
        values = self._values[key]
        nothing = np.zeros(len(values))
        places = np.arange(len(values), dtype=np.int64)
        return SeriesGrid(self.times, values, places, self.step_seconds, nothing, ())

    def _choose_step(self, prometheus: PrometheusClient, now: float) -> None:
        self.step_seconds = max(COARSE_SECONDS, self.least_step_seconds)
        last = floor_to_slot(now, self.step_seconds)
        moment = slots(last, last, self.step_seconds)
        count = len(prometheus.read(self.promql(), moment, self.step_seconds).labels)
        seconds = self.history_days * 86_400
        while (
            count * seconds / self.step_seconds > _MOST_POINTS
            and self.step_seconds < _COARSEST_SECONDS
        ):
            self.step_seconds *= 2

    def _add(self, times: Times, matrix: Matrix) -> None:
        before = len(self.times)
        self.times = np.concatenate([self.times, times])
        read: dict[SeriesKey, Values] = {
            SeriesKey.of(self.group.name, self.config.name, labels): values
            for labels, values in zip(matrix.labels, matrix.values, strict=True)
        }
        for labels in matrix.labels:
            self.keys[SeriesKey.of(self.group.name, self.config.name, labels)] = labels
        for key in self.keys:
            earlier = self._values.get(key, np.full(before, np.nan))
            new = read.get(key, np.full(len(times), np.nan))
            self._values[key] = np.concatenate([earlier, new])

    def _forget_vanished(self) -> None:
        for key, values in list(self._values.items()):
            if not np.isfinite(values).any():
                del self._values[key], self.keys[key]
