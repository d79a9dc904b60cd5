"""What recurs at such times is routine; what is larger, or comes at other times, is not."""

import numpy as np
import pytest
from surge_streams import START

from models.surges.hour_profile import DAY, HOUR, WEEK
from models.surges.routine import is_routine

MONDAY = START.timestamp()
BATCH = np.arange(10) * 60.0


def batches(starts: list[float]) -> np.ndarray:
    return np.sort(np.concatenate([start + BATCH for start in starts]))


def judged(times: np.ndarray, start: float, count: int = 10) -> bool:
    return is_routine(times, start, start + 600, count)


def test_a_nightly_batch_is_routine_until_it_is_larger() -> None:
    times = batches([MONDAY + day * DAY + 2 * HOUR for day in range(20)])
    tonight = MONDAY + 20 * DAY + 2.2 * HOUR
    assert judged(times, tonight)
    assert not judged(times, tonight, 20)
    assert not judged(times, tonight + 6 * HOUR)


def test_three_nights_are_not_enough() -> None:
    assert not judged(batches([MONDAY + day * DAY for day in range(3)]), MONDAY + 3 * DAY)


def test_monday_mornings_are_routine_also_after_one_was_missed() -> None:
    weeks = [MONDAY + week * WEEK + 9 * HOUR for week in (0, 1, 3)]
    assert judged(batches(weeks), MONDAY + 4 * WEEK + 9 * HOUR)
    assert not judged(batches(weeks), MONDAY + 4 * WEEK + DAY + 9 * HOUR)
    assert not judged(batches(weeks[:2]), MONDAY + 2 * WEEK + 9 * HOUR)


@pytest.mark.parametrize(("day", "months"), [(2, [1, 2, 3]), (0, [1, 3])])
def test_a_monthly_closing_is_routine(day: int, months: list[int]) -> None:
    firsts = {month: START.replace(month=month, day=1).timestamp() for month in (1, 2, 3, 4)}
    times = batches([firsts[month] + day * DAY + 14 * HOUR for month in months])
    assert judged(times, firsts[4] + day * DAY + 10 * HOUR)
    assert not judged(times, firsts[4] + (day + 12) * DAY + 10 * HOUR)


def test_the_last_day_of_months_of_different_length_is_the_same() -> None:
    ends = [START.replace(month=month, day=1).timestamp() - DAY for month in (2, 3, 4)]
    assert judged(batches([end + 15 * HOUR for end in ends[:2]]), ends[2] + 15 * HOUR)
