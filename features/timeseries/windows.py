"""What a window of a series shows: whether it counts, and by how much it rose."""

import numpy as np
from numpy.typing import NDArray

_FEWEST = 20
_RESET = 0.1


def is_counter(values: NDArray[np.float64], *, first: int) -> bool:
    """Tell whether a series counts: its `first` values only rise but for resets.

    At least half of the steps rise, and what falls begins anew below a tenth of what it was.

    >>> is_counter(np.concatenate([np.arange(30.0), np.arange(30.0)]), first=60)
    True
    """
    known = values[:first][~np.isnan(values[:first])]
    if len(known) < _FEWEST or known.min() < 0:
        return False
    steps = np.diff(known)
    falls = steps < 0
    begins_anew = known[1:][falls] <= _RESET * known[:-1][falls]
    return bool((steps > 0).mean() >= 0.5 and begins_anew.all())


def increases(
    values: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the rise of each value over the known one before, and the value it rose from.

    After a reset it rose from zero; the first has nothing before it and is missing. A fall that is
    no reset is a negative rise.
    """
    known = np.flatnonzero(~np.isnan(values))
    rises, before = np.full(len(values), np.nan), np.full(len(values), np.nan)
    earlier, later = values[known[:-1]], values[known[1:]]
    from_ = np.where(later <= _RESET * earlier, 0.0, earlier)
    # Over a gap the rise is that of several steps.
    distances = np.diff(known)
    rises[known[1:]] = (later - from_) / distances
    before[known[1:]] = later - rises[known[1:]]
    return rises, before
