"""The time grid of a step: which slots are due, and to which slot a sample belongs."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST_DELAY_SECONDS = 10.0
_QUARTER = 900

Times = NDArray[np.int64]
Values = NDArray[np.float64]


def latest_slot(now: float, step_seconds: int) -> int:
    """Return the newest slot that is due: its samples had a quarter step, at most 10 s, to arrive.

    >>> latest_slot(130.0, 60), latest_slot(129.0, 60)
    (120, 60)
    """
    return floor_to_slot(now - _delay(step_seconds), step_seconds)


def seconds_until_next(now: float, step_seconds: int) -> float:
    """Return the seconds until the slot after the latest one is due.

    >>> seconds_until_next(130.0, 60)
    60.0
    """
    due = latest_slot(now, step_seconds) + step_seconds + _delay(step_seconds)
    return float(max(0.0, due - now))


def slots(first: int, last: int, step_seconds: int) -> Times:
    """Return the slots from first to last, both included.

    >>> slots(60, 180, 60).tolist()
    [60, 120, 180]
    """
    return np.arange(first, last + 1, step_seconds, dtype=np.int64)


def to_slots(times: NDArray[Any], first: int, step_seconds: int) -> NDArray[np.int64]:
    """Return for each time the first slot that ends at or after it; slot 0 ends at `first`.

    >>> to_slots(np.array([60.0, 60.5, 120.0]), 60, 60).tolist()
    [0, 1, 1]
    """
    # Rounding errors must not move a sample into the next slot.
    return np.ceil((times - first) / step_seconds - 1e-6).astype(np.int64)


def per_second(raw: Values, step_seconds: int) -> Values:
    """Return the increases of counters per second; a fall means a reset to zero.

    The result has one column fewer than `raw`, because the first value has no increase.

    >>> per_second(np.array([[5.0, 65.0, 6.0]]), 60).tolist()
    [[1.0, 0.1]]
    """
    earlier, later = raw[:, :-1], raw[:, 1:]
    return np.where(later < earlier, later, later - earlier) / step_seconds


def floor_to_slot(time: float, step_seconds: int) -> int:
    """Return the last slot at or before a time.

    >>> floor_to_slot(119.9, 60)
    60
    """
    return int(time // step_seconds) * step_seconds


def local_clock(times: Times, zone: tzinfo) -> Times:
    """Return the times as local clocks show them, in seconds as if of UTC.

    >>> from zoneinfo import ZoneInfo
    >>> local_clock(np.array([0]), ZoneInfo("Europe/Berlin")).tolist()
    [3600]
    """
    if zone is UTC or not len(times):
        return times
    # Zones change at quarters of an hour.
    quarters, place = np.unique(times // _QUARTER, return_inverse=True)
    shifts = [
        datetime.fromtimestamp(int(quarter) * _QUARTER, zone).utcoffset() or timedelta()
        for quarter in quarters
    ]
    local: Times = times + np.array([int(s.total_seconds()) for s in shifts])[place]
    return local


def _delay(step_seconds: int) -> float:
    return min(step_seconds / 4, _MOST_DELAY_SECONDS)
