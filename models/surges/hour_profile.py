"""How the incidents of a tenant spread over the hours of a week."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HOUR, DAY, WEEK = 3_600.0, 86_400.0, 604_800.0
HOURS_OF_WEEK = 168

# An estimate counts for so many weeks of data against the counts that it is to be shrunk to.
SHRINKAGE_WEEKS = 2.0


@dataclass(frozen=True, slots=True)
class HourProfile:
    """The rate of each hour of the week over the mean rate, and how often each hour was seen.

    Both have shape (168,), Monday 0:00 UTC first; the mean of `relative` is 1.
    """

    relative: Floats
    seen: Floats


def learn_hour_profile(times: Floats, since: float, until: float) -> HourProfile:
    """Return the profile of incidents at these times (Unix seconds) between two times.

    The rate of an hour of the week is shrunk to the product of its day's and its hour's profile,
    which are shrunk to a constant rate.

    >>> week = np.arange(4 * 168) * 3600.0
    >>> learn_hour_profile(week, 0.0, 4 * 604_800.0).relative.round(2)[:3]
    array([1., 1., 1.])
    """
    seen = _times_seen(since, until)
    counts = smooth_hours(count_hours(times))
    by_day, days_seen = counts.reshape(7, 24).sum(axis=1), seen.reshape(7, 24).sum(axis=1)
    by_hour, hours_seen = counts.reshape(7, 24).sum(axis=0), seen.reshape(7, 24).sum(axis=0)
    rate = max(float(counts.sum()), 1.0) / max(float(seen.sum()), 1.0)
    day = (by_day + 24 * SHRINKAGE_WEEKS * rate) / (days_seen + 24 * SHRINKAGE_WEEKS) / rate
    hour = (by_hour + 7 * SHRINKAGE_WEEKS * rate) / (hours_seen + 7 * SHRINKAGE_WEEKS) / rate
    product = rate * (day[:, None] * hour[None, :]).ravel()
    shrunk = (counts + SHRINKAGE_WEEKS * product) / (seen + SHRINKAGE_WEEKS)
    return HourProfile(shrunk / shrunk.mean(), seen)


def count_hours(times: Floats) -> Floats:
    """Return how many of the times (Unix seconds) lie in each hour of the week."""
    return np.bincount(hour_of_week(times), minlength=HOURS_OF_WEEK).astype(np.float64)


def hour_of_week(times: Floats) -> NDArray[np.int64]:
    """Return the hour of the week of each time, 0 for Monday 0:00 UTC to 167.

    >>> hour_of_week(np.array([0.0]))  # the first of January 1970 was a Thursday
    array([72])
    """
    return ((times // HOUR).astype(np.int64) + 72) % HOURS_OF_WEEK


def smooth_hours(counts: Floats) -> Floats:
    """Return the counts with a quarter of each moved to either neighbour, as clocks may shift."""
    return 0.5 * counts + 0.25 * (np.roll(counts, 1) + np.roll(counts, -1))


def _times_seen(since: float, until: float) -> Floats:
    """Return how often each hour of the week lies between two times, in hours."""
    weeks = max(until - since, 0.0) / WEEK
    whole = np.full(HOURS_OF_WEEK, np.floor(weeks))
    rest = np.arange(until - (weeks - np.floor(weeks)) * WEEK, until, HOUR)
    return whole + count_hours(rest)
