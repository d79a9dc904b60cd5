"""Counts of values by hash bucket."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Buckets = NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class ValueCounts:
    """How many incidents have a value, by the value's bucket in ascending order."""

    buckets: Buckets
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, values: Buckets) -> Self:
        """Count values.

        >>> ValueCounts.of(np.array([5, 3, 5])).find(np.array([3, 4, 5])).tolist()
        [1, 0, 2]
        """
        return cls(*np.unique(values, return_counts=True))

    def find(self, values: Buckets) -> NDArray[np.int64]:
        """Return the count of each value."""
        if not len(self.buckets):
            return np.zeros(len(values), dtype=np.int64)
        places = np.minimum(np.searchsorted(self.buckets, values), len(self.buckets) - 1)
        return np.where(self.buckets[places] == values, self.counts[places], 0)
