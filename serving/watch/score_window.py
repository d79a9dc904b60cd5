"""The latest points of many series, with what the detector said of them."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.timeseries.time_grid import Times, Values
from models.base.series_model import SeriesScores


@dataclass(frozen=True, slots=True)
class Window:
    """Columns of one grid of times; `values` and each array of `scores` have a row a series."""

    times: Times
    values: Values
    scores: SeriesScores

    def followed_by(self, later: "Window") -> "Window":
        """Return both, the later points after these."""
        return Window(
            np.concatenate([self.times, later.times]),
            np.concatenate([self.values, later.values], axis=1),
            _join(self.scores, later.scores, axis=1),
        )

    def latest(self, points: int) -> "Window":
        """Return the last points only; where much is cut off it leaves the memory."""
        cut = self._change(lambda array: array[..., -points:])
        is_much = len(self.times) > 2 * points
        return cut._change(lambda array: array.copy()) if is_much else cut

    def series(self, rows: NDArray[Any] | slice) -> "Window":
        """Return some of the series only."""
        return Window(
            self.times, self.values[rows], map_scores(lambda array: array[rows], self.scores)
        )

    def with_new_series(self, count: int) -> "Window":
        """Return these series and below them further ones, of which nothing is known."""
        added = unseen(count, self.times)
        return Window(
            self.times,
            np.concatenate([self.values, added.values]),
            _join(self.scores, added.scores, axis=0),
        )

    def _change(self, change: Callable[[NDArray[Any]], NDArray[Any]]) -> "Window":
        return Window(change(self.times), change(self.values), map_scores(change, self.scores))


def unseen(count: int, times: Times) -> Window:
    """Return a window of series that were missing all the time."""
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
    """Return the scores with each of their arrays changed in the same way."""
    names = [field.name for field in fields(SeriesScores)]
    return SeriesScores(**{name: change(getattr(scores, name)) for name in names})


def _join(one: SeriesScores, other: SeriesScores, *, axis: int) -> SeriesScores:
    names = [field.name for field in fields(SeriesScores)]
    pairs = {name: (getattr(one, name), getattr(other, name)) for name in names}
    return SeriesScores(**{name: np.concatenate(pair, axis=axis) for name, pair in pairs.items()})
