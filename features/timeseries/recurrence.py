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

_HALF_DAY, _WEEK = 43_200, 604_800

# Points with at most this rate belong to excursions, which are at least an hour apart.
RARE_PER_WEEK = 20.0
APART = 3_600

ROUTINE_PER_WEEK = 14.0
DAYS_OF_ROUTINE, WEEKS_OF_ROUTINE, SAME_TIME = 4, 3, 5_400
LARGER, SMALLER, _LONGER = 1.35, 2.0, 1.5
_MOST_ALIKE = 24


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
    days = weeks = 0
    last_day, last_week = s.began_at, 0
    for place in range(EXCURSIONS):
        at = s.excursions_at[place]
        if at == 0:
            break
        if not _is_alike(s, place):
            continue
        longest = _LONGER * s.excursions[place, DURATION] + 2 * pace.step
        if s.excursion[DURATION] > longest:
            continue
        if last_day - at > _HALF_DAY:
            days += 1
            last_day = at
        week = int((s.began_at - at) / _WEEK + 0.5)
        if week > last_week and abs(s.began_at - at - week * _WEEK) <= SAME_TIME:
            weeks += 1
            last_week = week
    return days >= DAYS_OF_ROUTINE or weeks >= WEEKS_OF_ROUTINE


@compiled
def _is_alike(s: SeriesState, place: int) -> bool:
    """Tell whether an earlier excursion has the direction and about the size of the current."""
    size, earlier = s.excursion[SIZE], s.excursions[place, SIZE]
    if size * earlier <= 0:
        return False
    return abs(size) <= LARGER * abs(earlier) and abs(earlier) <= SMALLER * abs(size)


@compiled
def _remember(s: SeriesState) -> None:
    """Put the last excursion before the others; of many that are alike the oldest is forgotten."""
    alike, dropped = 0, EXCURSIONS - 1
    for place in range(EXCURSIONS):
        if s.excursions_at[place] == 0:
            dropped = place
            break
        if _is_alike(s, place):
            alike += 1
            if alike == _MOST_ALIKE:
                dropped = place
                break
    for place in range(dropped, 0, -1):
        s.excursions_at[place] = s.excursions_at[place - 1]
        for part in range(4):
            s.excursions[place, part] = s.excursions[place - 1, part]
    s.excursions_at[0] = s.began_at
    for part in range(4):
        s.excursions[0, part] = s.excursion[part]
