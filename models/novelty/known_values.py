"""Values that a history knows, such as terms and facts, and how many of its incidents hold each."""

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.base.parameters import Parameters
from models.statistics.value_counts import ValueCounts

Floats = NDArray[np.float64]
ValueIds = NDArray[np.uint32]

_FEWEST_INCIDENTS = 2


class KnownValues(Parameters):
    """Counts in how many incidents each value occurs.

    A value is known if at least two incidents hold it. With `most_share` below 1, a value that a
    larger share of the incidents holds is not known, because it tells nothing about an incident.

    >>> rows = [np.array([1, 2], dtype=np.uint32), np.array([2, 9], dtype=np.uint32)]
    >>> KnownValues().fit(rows).known(np.array([1, 2, 3], dtype=np.uint32)).tolist()
    [2]
    """

    def __init__(self, *, most_share: float = 1.0) -> None:
        self.most_share = most_share

    def fit(self, rows: Sequence[ValueIds]) -> Self:
        """Learn from one array of different values per incident."""
        flat = np.concatenate([*rows, np.empty(0, dtype=np.uint32)])
        self.counts_ = ValueCounts.of(flat)
        self.incidents_ = len(rows)
        return self

    def known(self, values: ValueIds) -> ValueIds:
        """Return those of the values that are known."""
        counts = self.counts_.find(values)
        most = self.most_share * self.incidents_
        return values[(counts >= _FEWEST_INCIDENTS) & (counts <= most)]

    def familiarity(self, values: ValueIds) -> float:
        """Return the mean log share of the incidents that hold each value; 0 without a value."""
        if not len(values):
            return 0.0
        shares = (self.counts_.find(values) + 1.0) / (self.incidents_ + 2.0)
        return float(np.log(shares).mean())
