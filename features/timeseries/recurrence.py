"""Tells what a series does again and again from what is new: a memory of its excursions.

An excursion is a stretch of points with rare scores. It is routine if it matches earlier ones in
direction, size and duration: of equal size or at the same time of day on four days, at the same
time of each of the last three weeks, or on about every second day of them. What is larger or lasts
longer than the earlier ones is no routine. That excursions merely recur makes none of them routine:
more than half of the incidents of real series have others in the weeks before.
"""

import numpy as np

from features.timeseries.channels import TimeConstants
from features.timeseries.jit import compiled
from features.timeseries.state import (
    DURATION,
    EXCURSIONS,
    HIGHEST,
    LOWEST,
    QUARTERS,
    SIZE,
    SeriesState,
)

_HALF_DAY, _DAY, _WEEK = 43_200, 86_400, 604_800

# Points with at most this rate belong to excursions, which are mostly at least an hour apart.
RARE_PER_WEEK = 7.0
APART = 3_600

# A routine happens on so many days with a size equal but for 5% or at the same time of day, or in
# each of so many last weeks at the same time, or on about every second day of the last three weeks.
# What is alike on a few days of a longer time may be a habit or trouble that comes back: it is
# taken to come once in two weeks.
DAYS_OF_ROUTINE, WEEKS_OF_ROUTINE = 4, 3
ROUTINE_PER_WEEK = 14.0
SAME_TIME, _LONG_SINCE, _MOST_OF = 1_800, 20.0 * _DAY, 0.75
LATELY, OFTEN_DAYS, EQUAL = 21.5 * _DAY, 10, 1.05
_HABIT_PER_WEEK, _LONGER, _TURNED, _DWARFED = 0.5, 1.5, 1.5, 3.0

# An excursion that is due is missing after `_GRACE`; this is tested every quarter of an hour. The
# missing ones have a tenth of the budget; each further period that it came halves their rate.
QUARTER, _GRACE, _DUE_DAYS, _DUE_WEEKS = 900, 1_800, 5, 4
_SHARES, _RARER, _LACK = 10.0, 0.5, 0.6
_LARGER, _SMALLER = 1.25, 1.5
LARGER_OF_LONG, SMALLER_OF_LONG = 1.35, 2.0


@compiled
def judge_recurrence(
    s: SeriesState, pace: TimeConstants, time: float, x: float, size: float
) -> float:
    """Add a point with a rare score to its excursion; return how many a week are like it, at least.

    That is 0 for an excursion that is unlike the earlier ones so far. `size` is the point's
    signed deviation, `x` its value relative to the origin.
    """
    current = s.excursion
    if s.began_at == 0 or _is_another(s, pace, time, size):
        if s.began_at != 0:
            _remember(s)
        s.began_at = time
        current[SIZE], current[LOWEST], current[HIGHEST] = size, x, x
    elif abs(size) > (1.0 if size * current[SIZE] > 0 else _TURNED) * abs(current[SIZE]):
        # The end of a run deviates as far the other way, and does not turn its direction.
        current[SIZE] = size
    s.lasted_until = time
    current[DURATION] = time - s.began_at
    current[LOWEST] = min(current[LOWEST], x)
    current[HIGHEST] = max(current[HIGHEST], x)
    return _usual_rate(s, pace)


@compiled
def _is_another(s: SeriesState, pace: TimeConstants, time: float, size: float) -> bool:
    """Tell whether a point begins an excursion of its own.

    One so much larger does so earlier: noise just before a run would move its beginning.
    """
    dwarfs = abs(size) > _DWARFED * abs(s.excursion[SIZE])
    return bool(time - s.lasted_until > (2 * pace.step if dwarfs else APART))


@compiled
def keep_extremes(s: SeriesState, pace: TimeConstants, time: int, x: float) -> bool:
    """Keep the extremes of the last quarters, or longer steps; return whether one just began."""
    width = max(QUARTER, pace.step)
    quarter = time // width
    is_new = quarter != (time - pace.step) // width
    extremes = s.lately[quarter % QUARTERS]
    extremes[0] = x if is_new else min(x, extremes[0])
    extremes[1] = x if is_new else max(x, extremes[1])
    return is_new


@compiled
def judge_schedule(s: SeriesState, pace: TimeConstants, time: float) -> tuple[float, int]:
    """Return the rate per week of a missing excursion like one that is due, and that one's place.

    An excursion is due if one came a week ago at the same time, and either in each of the last
    three weeks or on five of the last seven days. The rate is infinite if none is missing.
    """
    width = max(QUARTER, pace.step)
    for place in range(EXCURSIONS):
        at = s.excursions_at[place]
        late = time - at - _GRACE
        if at == 0 or late >= _WEEK + width:
            break
        if late < _WEEK:
            continue
        if _falls_back(s, place):
            continue
        weeks_more = _count_weeks(s, place) - _DUE_WEEKS
        more = max(weeks_more, _count_days(s, place) - _DUE_DAYS)
        if more >= 0 and not _came(s, place, time, width):
            s.missed += 1
            weeks = s.points * pace.step / _WEEK
            return _SHARES * (s.missed - 1 + _RARER ** (more + 1)) / weeks, place
    return np.inf, 0


@compiled
def _falls_back(s: SeriesState, place: int) -> bool:
    """Tell whether an excursion is a fall to usual values, as at the end of a run."""
    size = s.excursions[place, SIZE]
    return bool(size < 0 and s.excursions[place, LOWEST] - _LACK * size >= s.level[2])


@compiled
def _count_weeks(s: SeriesState, place: int) -> int:
    """Count the weeks without a break, up to this excursion, with one like it at the same time."""
    count = 1
    for earlier in range(place + 1, EXCURSIONS):
        if s.excursions_at[earlier] == 0:
            break
        ago = s.excursions_at[place] - s.excursions_at[earlier]
        if ago > count * _WEEK + SAME_TIME:
            break
        if abs(ago - count * _WEEK) <= SAME_TIME and _are_alike(s, place, earlier):
            count += 1
    return count


@compiled
def _count_days(s: SeriesState, place: int) -> int:
    """Count the days of a week, from this excursion on, with one like it at the same time."""
    count, last_day = 1, 0
    for later in range(place - 1, -1, -1):
        after = s.excursions_at[later] - s.excursions_at[place]
        day = int(after / _DAY + 0.5)
        is_timely = last_day < day < 7 and abs(after - day * _DAY) <= SAME_TIME
        if is_timely and _are_alike(s, place, later):
            count, last_day = count + 1, day
    return count


@compiled
def _came(s: SeriesState, place: int, time: float, width: int) -> bool:
    """Tell whether an excursion like this one, which was due, went on or began lately.

    It may have become too usual for an excursion, so that only its values tell.
    """
    size, span = s.excursions[place, SIZE], _GRACE + width + SAME_TIME
    since, latest = time - span, int(time // width)
    for ago in range(min(QUARTERS, span // width)):
        quarter = (latest - ago) % QUARTERS
        if size > 0 and s.lately[quarter, 1] >= s.excursions[place, HIGHEST] - _LACK * size:
            return True
        if size < 0 and s.lately[quarter, 0] <= s.excursions[place, LOWEST] - _LACK * size:
            return True
    if s.lasted_until >= since and s.excursion[SIZE] * size > 0:
        return True
    for recent in range(place):
        until = s.excursions_at[recent] + s.excursions[recent, DURATION]
        if until >= since and s.excursions[recent, SIZE] * size > 0:
            return True
    return False


@compiled
def _are_alike(s: SeriesState, place: int, other: int) -> bool:
    ratio = s.excursions[place, SIZE] / s.excursions[other, SIZE]
    return bool(1 / SMALLER_OF_LONG <= ratio <= SMALLER_OF_LONG)


@compiled
def _usual_rate(s: SeriesState, pace: TimeConstants) -> float:
    """Return the rate per week that excursions like the current one are known to have, at least."""
    equal = timely = alike = lately = weeks = 0
    equal_at = timely_at = alike_at = s.began_at
    for place in range(EXCURSIONS):
        at = s.excursions_at[place]
        if at == 0:
            break
        ago = s.began_at - at
        is_timely = abs((ago + _HALF_DAY) % _DAY - _HALF_DAY) <= SAME_TIME
        ratio = _match(s, pace, place, is_timely)
        if ratio == 0 or ago <= _HALF_DAY:
            continue
        if alike_at - at > _HALF_DAY:
            alike, alike_at = alike + 1, at
            lately += ago <= LATELY
        if abs(ago - (weeks + 1) * _WEEK) <= SAME_TIME:
            weeks += 1
        if 1 / EQUAL <= ratio <= EQUAL and equal_at - at > _HALF_DAY:
            equal, equal_at = equal + 1, at
        if is_timely and 1 / _LARGER <= ratio <= _SMALLER and timely_at - at > _HALF_DAY:
            timely, timely_at = timely + 1, at
    is_routine = max(equal, timely) >= DAYS_OF_ROUTINE or weeks >= WEEKS_OF_ROUTINE
    if is_routine or lately >= OFTEN_DAYS:
        return ROUTINE_PER_WEEK
    is_habit = alike >= DAYS_OF_ROUTINE and s.began_at - alike_at >= _long_since(s)
    return _HABIT_PER_WEEK if is_habit else 0.0


@compiled
def _match(s: SeriesState, pace: TimeConstants, place: int, is_timely: bool) -> float:
    """Return the size of an earlier excursion over that of the current, 0 if they do not match."""
    size, duration = s.excursion[SIZE], s.excursion[DURATION]
    if size == 0 or duration > _LONGER * s.excursions[place, DURATION] + pace.step:
        return 0.0
    ratio, smaller = s.excursions[place, SIZE] / size, SMALLER_OF_LONG
    if duration <= pace.step:
        # A run that begins within a step looks small at first, and a point before it is due may
        # deviate the other way.
        ratio, smaller = abs(ratio) if is_timely else ratio, np.inf
    return float(ratio) if 1 / LARGER_OF_LONG <= ratio <= smaller else 0.0


@compiled
def _long_since(s: SeriesState) -> float:
    """Return how far back a routine at no certain time must reach; a full memory may not do so."""
    if s.excursions_at[EXCURSIONS - 1] == 0:
        return _LONG_SINCE
    return float(min(_LONG_SINCE, _MOST_OF * (s.began_at - s.excursions_at[EXCURSIONS - 1])))


@compiled
def _remember(s: SeriesState) -> None:
    """Put the last excursion before the others; the oldest is forgotten."""
    for place in range(EXCURSIONS - 1, 0, -1):
        s.excursions_at[place] = s.excursions_at[place - 1]
        for part in range(4):
            s.excursions[place, part] = s.excursions[place - 1, part]
    s.excursions_at[0] = s.began_at
    for part in range(4):
        s.excursions[0, part] = s.excursion[part]
