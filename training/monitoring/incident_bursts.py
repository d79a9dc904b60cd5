"""One incident of each storm: near-copies opened within a day count once."""

import numpy as np
from numpy.typing import NDArray

from models.classification.cross_validation import Rows

_DAYS = 1.0


def first_of_bursts(groups: Rows, days: NDArray[np.float64]) -> Rows:
    """Return the rows, in order of time, but for copies of one opened less than a day before.

    A storm that goes on counts once, however long: each copy is compared with the copy before it.

    >>> first_of_bursts(np.array([0, 0, 1, 0]), np.array([0.0, 0.5, 0.6, 3.0])).tolist()
    [0, 2, 3]
    """
    last: dict[int, float] = {}
    kept = []
    for row, (group, day) in enumerate(zip(groups.tolist(), days.tolist(), strict=True)):
        if day - last.get(group, -np.inf) >= _DAYS:
            kept.append(row)
        last[group] = day
    return np.array(kept, dtype=np.int64)
