"""The contract of every model that reads metric series."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

Bounds = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class MetricSeries:
    """A series as it was sent: unix seconds, and values of which some may be missing."""

    name: str
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    unit: str | None = None
    bounds: Bounds = (None, None)


@dataclass(frozen=True, slots=True)
class SeriesScores:
    """What a model says of points, in arrays (series, points).

    `score` orders points by how unusual they are, and `alarms_per_week` is the expected number of
    false alarms a week, after those within an hour are taken as one, if the threshold were there:
    infinite while a series is too young. `expected`, `lower` and `upper` are in the series' own
    units, NaN before they are known. `channel` indexes the names of what explains the score.
    """

    score: NDArray[np.float64]
    alarms_per_week: NDArray[np.float64]
    expected: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    channel: NDArray[np.int8]

    def of_series(self, number: int) -> "SeriesScores":
        """Return the scores of one series, whose arrays have a place for each point."""
        arrays = {each.name: getattr(self, each.name)[number] for each in fields(self)}
        return SeriesScores(**arrays)

    def within(self, bounds: Bounds) -> "SeriesScores":
        """Return the scores with what is expected kept between the metric's lowest and highest.

        None is no bound.
        """
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
    """A model that reads series causally, in a state of fixed size for each.

    The states are an array of records, one a series; a row's bytes are all there is to keep.
    """

    @property
    @abstractmethod
    def layout(self) -> str:
        """Names what a state's bytes mean: of another layout they cannot be read."""

    @abstractmethod
    def start(self, count: int) -> NDArray[np.void]:
        """Return the states of so many series that have no past."""

    @abstractmethod
    def restore(self, kept: bytes) -> NDArray[np.void]:
        """Return states from their bytes, one after the other; the `layout` must be the same."""

    @abstractmethod
    def update(
        self, states: NDArray[np.void], times: NDArray[np.int64], values: NDArray[np.float64]
    ) -> SeriesScores:
        """Score the next points of each series and move its state, in place, past them."""
