"""The latest points of many series, with their scores."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.timeseries.time_grid import Times, Values
from models.base.series_model import SeriesScores

_NAMES = tuple(field.name for field in fields(SeriesScores))


@dataclass(frozen=True, slots=True)
class Window:
    """Points of many series: `values` and the arrays of `scores` have a row for each series."""

    times: Times
    values: Values
    scores: SeriesScores

    def followed_by(self, later: "Window") -> "Window":
        """Return these points followed by later ones."""
        return Window(
            np.concatenate([self.times, later.times]),
            np.concatenate([self.values, later.values], axis=1),
            _join(self.scores, later.scores, axis=1),
        )

    def latest(self, points: int) -> "Window":
        """Return the last points only.

        If they are less than half of all points they are copied, so that the memory of the other
        points can be freed.
        """
        part = self._map(lambda array: array[..., -points:])
        is_small = len(self.times) > 2 * points
        return part._map(lambda array: array.copy()) if is_small else part

    def last_alarms(self, points: int) -> NDArray[np.float64]:
        """Return the alarms a week of the last points, infinite where there are none so far."""
        last = self.scores.alarms_per_week[:, -points:]
        missing = points - last.shape[1]
        return np.pad(last, ((0, 0), (missing, 0)), constant_values=np.inf)

    def series(self, rows: NDArray[Any] | slice) -> "Window":
        """Return the points of some series only."""
        return Window(
            self.times, self.values[rows], map_scores(lambda array: array[rows], self.scores)
        )

    def with_new_series(self, count: int) -> "Window":
        """Return these series, followed by rows of new series without values."""
        added = missing_window(count, self.times)
        return Window(
            self.times,
            np.concatenate([self.values, added.values]),
            _join(self.scores, added.scores, axis=0),
        )

    def _map(self, change: Callable[[NDArray[Any]], NDArray[Any]]) -> "Window":
        return Window(change(self.times), change(self.values), map_scores(change, self.scores))


def missing_window(count: int, times: Times) -> Window:
    """Return a window of series without any value."""
    shape = (count, len(times))
    nothing = np.full(shape, np.nan)
    scores = SeriesScores(
        score=np.zeros(shape),
        alarms_per_week=np.full(shape, np.inf),
        expected=nothing,
        lower=nothing,
        upper=nothing,
        channel=np.zeros(shape, np.int8),
    )
    return Window(times, np.full(shape, np.nan), scores)


def map_scores(
    change: Callable[[NDArray[Any]], NDArray[Any]], scores: SeriesScores
) -> SeriesScores:
    """Return the scores with a function applied to each of their arrays."""
    return SeriesScores(**{name: change(getattr(scores, name)) for name in _NAMES})


def _join(first: SeriesScores, second: SeriesScores, *, axis: int) -> SeriesScores:
    pairs = {name: (getattr(first, name), getattr(second, name)) for name in _NAMES}
    return SeriesScores(**{name: np.concatenate(pair, axis=axis) for name, pair in pairs.items()})
