"""The threshold of a large group of series, learned from the rarest point of each of its hours."""

import numpy as np
from numpy.typing import NDArray

from features.timeseries.recurrence import APART, RARE_PER_WEEK

SMALL_RATE = 0.1
"""Budgets of a series from here on, in alarms a week, lie within the tail that a series learns.

A series remembers about four weeks; one alarm in ten weeks is as far beyond them as tails reach.
"""
LOWS = np.dtype([("rate", "f8"), ("until", "i8")])
"""The lowest rate of a series' excursion, and the time of the excursion's last rare point."""

_HOURS = np.dtype([("hour", "i8"), ("rate", "f8")])
_KEPT_HOURS = 4 * 168
_HOUR, _DAY, _HOURS_PER_WEEK = 3_600, 86_400, 168

# Hours with the lowest rates are fitted: one in twenty, or four times as many as the budget has.
_SHARE, _BUDGETS, _MOST_SHARE = 0.05, 4.0, 0.5
# The value of independent series counts as much as one week of own hours, and one excess as at
# most five times the median excess: `python tests/benchmarks/group_budgets.py`.
_PRIOR_WEEKS, _MOST_EXCESS = 1.0, 5.0


class GroupThreshold:
    """How many alarms a week a group's series may have together, were they independent.

    A group of n series whose rates are right and independent keeps its budget if each point at
    most budget / n alarms a week is flagged. Beyond what a series' own past can teach, rates are
    extrapolated and wrong, so the group learns which threshold its own hours would have passed
    `budget_per_week` times a week: peaks over threshold (Siffer et al., "Anomaly detection in
    streams with extreme value theory", KDD 2017) of -log(n * lowest rate) of each hour, with an
    exponential tail. `add` may be repeated. The threshold of a day rests on the hours before it.

    >>> threshold = GroupThreshold(2.0)
    >>> threshold.per_week(0.0)
    2.0
    >>> times = 3600 * np.arange(672)
    >>> threshold.add(times, np.random.default_rng(0).uniform(5, 168, 672))
    >>> 4 < threshold.per_week(672 * 3600.0) < 6
    True
    """

    def __init__(self, budget_per_week: float, state: bytes = b"") -> None:
        self._budget = budget_per_week
        self._hours = np.zeros(_KEPT_HOURS, _HOURS)
        self._hours["hour"] = -1
        if len(state) == self._hours.nbytes:
            self._hours[:] = np.frombuffer(state, _HOURS)
        self._known: tuple[int, float] = (-1, budget_per_week)

    @property
    def state(self) -> bytes:
        """The hours that are remembered; a new threshold continues with them."""
        return self._hours.tobytes()

    def add(self, times: NDArray[np.int64], rates: NDArray[np.float64]) -> None:
        """Add the number of series times the lowest rate at some times, in unix seconds.

        An hour keeps the lowest of what is added; infinite rates are left out.
        """
        hours = times // _HOUR
        for hour in np.unique(hours[np.isfinite(rates)]):
            place = self._hours[hour % _KEPT_HOURS]
            lowest = float(rates[hours == hour].min())
            if place["hour"] > hour:
                continue
            if place["hour"] < hour:
                place["hour"], place["rate"] = hour, np.inf
            place["rate"] = min(place["rate"], lowest)

    def forget_after(self, time: float) -> None:
        """Forget hours that begin after a time, which a clock that was ahead has added."""
        self._hours["hour"][self._hours["hour"] * _HOUR > time] = -1
        self._known = (-1, self._budget)

    def per_week(self, now: float) -> float:
        """Return the threshold on the number of series times the rate of a point, at a time."""
        day = int(now // _DAY)
        if self._known[0] != day:
            self._known = day, self._learn(day * _DAY // _HOUR)
        return self._known[1]

    def _learn(self, until: int) -> float:
        known = self._hours[(self._hours["hour"] >= 0) & (self._hours["hour"] < until)]
        weeks = len(known) / _HOURS_PER_WEEK
        share = min(_MOST_SHARE, max(_SHARE, _BUDGETS * self._budget / _HOURS_PER_WEEK))
        if len(known) * share < _BUDGETS:
            return self._budget
        peaks = -np.log(np.maximum(known["rate"], np.finfo(np.float64).tiny))
        limit = float(np.quantile(peaks, 1 - share))
        excesses = _excesses(known["hour"], peaks - limit)
        if not len(excesses):
            return self._budget
        most = _MOST_EXCESS * float(np.median(excesses))
        scale = float(np.minimum(excesses, most).mean())
        learned = limit + scale * np.log(len(excesses) / weeks / self._budget)
        independent = -np.log(self._budget)
        trust = weeks / (weeks + _PRIOR_WEEKS)
        return float(np.exp(-(trust * learned + (1 - trust) * independent)))


def no_lows(count: int) -> NDArray[np.void]:
    """Return what is known of series without any rare point, an element for each.

    >>> no_lows(2)["rate"].tolist()
    [inf, inf]
    """
    lows = np.zeros(count, LOWS)
    lows["rate"] = np.inf
    return lows


def find_new_lows(
    lows: NDArray[np.void], times: NDArray[np.int64], rates: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return for each time the lowest rate of those that are new lows of their series' excursion.

    An excursion that lasts counts again only where it becomes rarer, so that trouble of days does
    not fill the hours of its group. `rates` has shape (series, points); `lows`
    has an element for each series and is updated.

    >>> lows, times = no_lows(1), 3600 * np.arange(1, 5)
    >>> find_new_lows(lows, times, np.array([[20.0, 0.1, 0.2, 0.05]])).tolist()
    [20.0, 0.1, inf, 0.05]
    """
    found = np.full(len(times), np.inf)
    for point, time in enumerate(times.tolist()):
        column = rates[:, point]
        lows["rate"][time - lows["until"] > APART] = np.inf
        found[point] = np.min(column, where=column < lows["rate"], initial=np.inf)
        is_rare = column <= RARE_PER_WEEK
        lows["rate"][is_rare] = np.minimum(lows["rate"], column)[is_rare]
        lows["until"][is_rare] = time
    return found


def _excesses(hours: NDArray[np.int64], above: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the highest excess of each run of successive hours that exceed the limit."""
    order = np.argsort(hours)
    hours, above = hours[order], above[order]
    places = np.flatnonzero(above > 0)
    if not len(places):
        return np.empty(0)
    begins = np.flatnonzero(np.diff(hours[places], prepend=-2) > 1)
    return np.maximum.reduceat(above[places], begins)
