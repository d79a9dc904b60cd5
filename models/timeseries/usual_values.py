"""Takes an excursion out of what a series has learned as usual for the time of day and the week."""

import numpy as np
from numpy.typing import NDArray

from features.timeseries.recurrence import SAME_TIME
from features.timeseries.state import HOURS, SLOTS

_DAY, _WEEK = 86_400, 604_800
_LEVEL, _SPREAD = 0, 1
_WEEK_SPREAD = 2


def unlearn(state: np.void, begin: float, until: float, size: float, step_seconds: int) -> None:
    """Level what is usual between two times with what is usual half an hour before and after.

    `begin` and `until` are in seconds as local clocks show them. Only what deviates as the
    excursion does is levelled: upwards if its `size` is positive, else downwards.
    """
    slots = max(1, min(SLOTS, _DAY // step_seconds))
    _level(state["season"][:slots], begin, until, size, _DAY / slots, _SPREAD)
    if "week" in (state.dtype.names or ()):
        _level(state["week"], begin, until, size, _WEEK / HOURS, _WEEK_SPREAD)


def _level(
    profile: NDArray[np.float32],
    begin: float,
    until: float,
    size: float,
    cell_seconds: float,
    spread: int,
) -> None:
    away = max(1, round(SAME_TIME / cell_seconds))
    first, last = int(begin // cell_seconds) - away, int(until // cell_seconds) + away
    cells = np.arange(first, last + 1) % len(profile)
    if len(cells) >= len(profile):
        return
    ends = profile[cells[[0, -1]]].astype(np.float64)
    inner = cells[1:-1]
    line = np.linspace(ends[0, _LEVEL], ends[1, _LEVEL], len(cells))[1:-1]
    excess = profile[inner, _LEVEL] - line
    is_learned = excess * size > 0
    profile[inner[is_learned], _LEVEL] = line[is_learned]
    narrow = ends[:, spread].max()
    profile[inner, spread] = np.minimum(profile[inner, spread], narrow)
