"""Tells what a series does again and again from what is new: a memory of its excursions.

An excursion is a stretch of points with rare scores. It is routine if it matches earlier ones in
direction, size and duration on at least four days, or at the same hour of three weeks. What is
larger or lasts longer than the earlier ones is no routine. That excursions merely recur makes none
of them routine: more than half of the incidents of real series have others in the weeks before.
"""

from features.timeseries.channels import TimeConstants
from features.timeseries.jit import compiled
from features.timeseries.state import (
    DURATION,
    EXCURSIONS,
    HIGHEST,
    LOWEST,
    SIZE,
    SeriesState,
)

_HALF_DAY, _DAY, _WEEK = 43_200, 86_400, 604_800

# Points with at most this rate belong to excursions, which are at least an hour apart.
RARE_PER_WEEK = 7.0
APART = 3_600

# A routine happens on so many days, with one of: a size equal but for 5%, the same time of day, or
# three weeks from the first to the last. Or it happens in so many weeks at the same hour.
DAYS_OF_ROUTINE, WEEKS_OF_ROUTINE = 4, 3
ROUTINE_PER_WEEK = 14.0
SAME_TIME, _SAME_HOUR, _LONG_SINCE = 1_800, 5_400, 20 * _DAY
_EQUAL, _LONGER = 1.05, 1.5
_LARGER, _SMALLER = 1.25, 1.5
LARGER_OF_LONG, SMALLER_OF_LONG = 1.35, 2.0


@compiled
def judge_recurrence(
    s: SeriesState, pace: TimeConstants, time: float, x: float, size: float, rate: float
) -> float:
    """Add a point with a rare score to its excursion; return its rate, raised if it is routine.

    `size` is the point's signed deviation, `x` its value relative to the origin.
    """
    current = s.excursion
    if s.began_at == 0 or time - s.lasted_until > APART:
        if s.began_at != 0:
            _remember(s)
        s.began_at = time
        current[SIZE], current[LOWEST], current[HIGHEST] = size, x, x
    elif size * current[SIZE] > 0 and abs(size) > abs(current[SIZE]):
        current[SIZE] = size
    s.lasted_until = time
    current[DURATION] = time - s.began_at
    current[LOWEST] = min(current[LOWEST], x)
    current[HIGHEST] = max(current[HIGHEST], x)
    return max(rate, ROUTINE_PER_WEEK) if _is_routine(s, pace) else rate


@compiled
def _is_routine(s: SeriesState, pace: TimeConstants) -> bool:
    size, duration = s.excursion[SIZE], s.excursion[DURATION]
    equal = timely = lasting = weeks = 0
    equal_at = timely_at = lasting_at = s.began_at
    last_week = 0
    for place in range(EXCURSIONS):
        at = s.excursions_at[place]
        if at == 0:
            break
        ratio = s.excursions[place, SIZE] / size if size != 0 else 0.0
        ago = s.began_at - at
        if not 1 / LARGER_OF_LONG <= ratio <= SMALLER_OF_LONG or ago <= _HALF_DAY:
            continue
        if duration > _LONGER * s.excursions[place, DURATION] + 2 * pace.step:
            continue
        if lasting_at - at > _HALF_DAY:
            lasting, lasting_at = lasting + 1, at
        week = int(ago / _WEEK + 0.5)
        if week > last_week and abs(ago - week * _WEEK) <= _SAME_HOUR:
            weeks, last_week = weeks + 1, week
        if 1 / _EQUAL <= ratio <= _EQUAL and equal_at - at > _HALF_DAY:
            equal, equal_at = equal + 1, at
        is_timely = abs((ago + _HALF_DAY) % _DAY - _HALF_DAY) <= SAME_TIME
        if is_timely and 1 / _LARGER <= ratio <= _SMALLER and timely_at - at > _HALF_DAY:
            timely, timely_at = timely + 1, at
    is_old = lasting >= DAYS_OF_ROUTINE and s.began_at - lasting_at >= _LONG_SINCE
    return is_old or max(equal, timely) >= DAYS_OF_ROUTINE or weeks >= WEEKS_OF_ROUTINE


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
