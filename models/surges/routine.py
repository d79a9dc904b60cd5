"""Tells whether a stream has had as many incidents at such times before."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import numpy as np

from models.surges.hour_profile import DAY, HOUR, WEEK, Floats

# As for metric series (features/timeseries/recurrence.py): at the same time of four of the last ten
# days, or of three of the last four weeks; or on the same day of two of the last three months.
_OF_DAYS, _DAYS = 10, 4
_OF_WEEKS, _WEEKS = 4, 3
_OF_MONTHS, _MONTHS = 3, 2
_SAME_TIME = 0.5 * HOUR
# What has more than so many times the incidents of the earlier ones is no routine.
_LARGER = 1.5


def is_routine(times: Floats, since: float, until: float, count: int) -> bool:
    """Tell whether `count` incidents between two times are as many as recur in a stream.

    `times` are the sorted times of the stream's past. All times are Unix seconds.

    >>> nightly = np.array([day * 86_400.0 + 60 * k for day in range(20) for k in range(10)])
    >>> tonight = 20 * 86_400.0
    >>> [is_routine(nightly, tonight, tonight + 600, count) for count in (10, 30)]
    [True, False]
    """
    least, duration = count / _LARGER, until - since

    def count_alike(windows: Iterable[tuple[float, float]]) -> int:
        return sum(_most(times, *window, duration) >= least for window in windows)

    return (
        count_alike(_earlier(since, until, DAY, _OF_DAYS)) >= _DAYS
        or count_alike(_earlier(since, until, WEEK, _OF_WEEKS)) >= _WEEKS
        or _months_alike(times, since, duration, least) >= _MONTHS
    )


def _earlier(since: float, until: float, period: float, n: int) -> Iterator[tuple[float, float]]:
    for ago in range(1, n + 1):
        yield since - ago * period - _SAME_TIME, until - ago * period + _SAME_TIME


def _most(times: Floats, since: float, until: float, duration: float) -> int:
    """Return the highest number of incidents in a window of this duration between two times."""
    first, last = np.searchsorted(times, (since, until))
    inside = times[first:last]
    if not len(inside):
        return 0
    ends = np.searchsorted(inside, inside + duration, side="right")
    return int((ends - np.arange(len(inside))).max())


def _months_alike(times: Floats, since: float, duration: float, least: float) -> int:
    """Count the last months with as many incidents on the day, as counted from start or end."""
    day = datetime.fromtimestamp(since, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return sum(
        max(
            _most(times, start - DAY, start + 2 * DAY, duration)
            for start in _days_of_earlier_month(day, ago)
        )
        >= least
        for ago in range(1, _OF_MONTHS + 1)
    )


def _days_of_earlier_month(day: datetime, ago: int) -> tuple[float, float]:
    """Return the start of the day as far from the start, and as far from the end, of a month."""
    first = day.replace(day=1)
    begin, end = _add_months(first, -ago), _add_months(first, 1 - ago)
    until_end = _add_months(first, 1) - day
    return begin.timestamp() + (day - first).days * DAY, (end - until_end).timestamp()


def _add_months(first: datetime, months: int) -> datetime:
    number = first.year * 12 + first.month - 1 + months
    return first.replace(year=number // 12, month=number % 12 + 1)
