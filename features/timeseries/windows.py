"""Recognises counters by their first values, and computes the increases of counters."""

import numpy as np
from numpy.typing import NDArray

_FEWEST = 20
_RESET = 0.1


def is_counter(values: NDArray[np.float64], *, first: int) -> bool:
    """Return whether a series is a counter, judged by its `first` values.

    At least 20 of these must be known, and none may be negative. At least half of the steps must
    rise, and each fall must be a reset: a fall to at most a tenth of the value before.

    >>> is_counter(np.concatenate([np.arange(30.0), np.arange(30.0)]), first=60)
    True
    """
    known_values = values[:first][~np.isnan(values[:first])]
    if len(known_values) < _FEWEST or known_values.min() < 0:
        return False
    steps = np.diff(known_values)
    is_fall = steps < 0
    is_reset = known_values[1:][is_fall] <= _RESET * known_values[:-1][is_fall]
    return bool((steps > 0).mean() >= 0.5 and is_reset.all())


def increases(
    values: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the rise per step that leads to each value, and each value minus this rise.

    The rise is measured from the last known value, or from zero after a reset. Both results are NaN
    for missing values and for the first known value. A fall that is not a reset is a negative rise.
    """
    known = np.flatnonzero(~np.isnan(values))
    rises, before = np.full(len(values), np.nan), np.full(len(values), np.nan)
    earlier, later = values[known[:-1]], values[known[1:]]
    start = np.where(later <= _RESET * earlier, 0.0, earlier)
    # The rise over a gap is divided by the number of steps.
    steps = np.diff(known)
    rises[known[1:]] = (later - start) / steps
    before[known[1:]] = later - rises[known[1:]]
    return rises, before
