"""The contract of every model that reads metric series."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from features.timeseries.level_blocks import Direction

Bounds = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class MetricSeries:
    """A series as it was sent: times in unix seconds, and values, some of which may be missing.

    `bounds` are the lowest and the highest value that the metric can have; None means no bound.
    `trouble` are times of confirmed incidents, from and until in unix seconds: they are scored, but
    not learned from. `revoked` are the lowest and highest values of routines that people revoked.
    """

    name: str
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    unit: str | None = None
    bounds: Bounds = (None, None)
    trouble: tuple[tuple[float, float], ...] = ()
    revoked: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class LevelledSeries:
    """A series, and the level that it should not reach from below or from above."""

    series: MetricSeries
    level: float
    direction: Direction


@dataclass(frozen=True, slots=True)
class SeriesScores:
    """A model's scores of points, in arrays of shape (series, points).

    A point with a higher `score` is more unusual. `alarms_per_week` is the expected number of false
    alarms a week with a threshold at the point's score, where alarms within an hour count as one;
    it is infinite while the series' past is too short. `expected`, `lower` and `upper` are in the
    series' own units, NaN before they are known. `channel` is the number of the channel that
    contributes most to the score.
    """

    score: NDArray[np.float64]
    alarms_per_week: NDArray[np.float64]
    expected: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    channel: NDArray[np.int8]

    def of_series(self, number: int) -> "SeriesScores":
        """Return the scores of one series, in arrays of shape (points,)."""
        arrays = {field.name: getattr(self, field.name)[number] for field in fields(self)}
        return SeriesScores(**arrays)

    def replace_series(self, rows: NDArray[np.intp], new: "SeriesScores") -> None:
        """Replace the scores of some series in place."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(new, field.name)

    @classmethod
    def joined(cls, parts: Sequence["SeriesScores"]) -> "SeriesScores":
        """Return the scores of successive points together."""
        names = [field.name for field in fields(cls)]
        return cls(
            **{
                name: np.concatenate([getattr(part, name) for part in parts], axis=1)
                for name in names
            }
        )

    def within(self, bounds: Bounds) -> "SeriesScores":
        """Return the scores with expected values and their bands clipped to a metric's bounds."""
        if bounds == (None, None):
            return self
        lowest = -np.inf if bounds[0] is None else bounds[0]
        highest = np.inf if bounds[1] is None else bounds[1]
        return replace(
            self,
            expected=np.clip(self.expected, lowest, highest),
            lower=np.clip(self.lower, lowest, highest),
            upper=np.clip(self.upper, lowest, highest),
        )


class SeriesModel(ABC):
    """A model that scores series point by point, and keeps a state of fixed size for each series.

    A score does not depend on later points. The states are an array of records, one for each
    series; to save a series' state, save its record's bytes.
    """

    @property
    @abstractmethod
    def layout(self) -> str:
        """The name of the state's byte layout; bytes of another layout cannot be read."""

    @abstractmethod
    def start(self, count: int) -> NDArray[np.void]:
        """Return the states of `count` series without a past."""

    @abstractmethod
    def restore(self, state_bytes: bytes) -> NDArray[np.void]:
        """Return states from their concatenated bytes; the `layout` must be the same."""

    @abstractmethod
    def update(
        self,
        states: NDArray[np.void],
        times: NDArray[np.int64],
        values: NDArray[np.float64],
        clock: NDArray[np.int64] | None = None,
    ) -> SeriesScores:
        """Return the scores of each series' next points, and update the states in place.

        `clock` are the times as local clocks show them; absent, days and weeks are those of UTC.
        """


UpdateStates = Callable[
    [NDArray[np.void], NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]], SeriesScores
]
"""`SeriesModel.update`, or what scores points like it: by states, times, values and clock."""
