"""The probability from which a breach is warned of, so that false warnings keep a budget."""

import numpy as np

from features.timeseries.breach_features import Places, RecentCourse, past_windows
from features.timeseries.level_blocks import Flags, LevelBlocks
from models.timeseries.forecast.breach_probability import usual_probabilities

# Rounded from what keeps the budget over visible series: .56 at one false warning a week, .80 at .2
# (`python tests/benchmarks/breach_forecast.py`, threshold chosen afterwards).
_AT_ONE_A_WEEK, _FALL = 0.56, 0.15
_LEAST, _LEAST_IF_YOUNG, _HIGHEST = 0.5, 0.8, 0.97
_YOUNG_WEEKS = 2.0
_APART = 0.01
# As many more false warnings than the budget as chance alone brings in one of twenty pasts.
_DEVIATIONS = 1.64
_HOUR, _WEEK = 3_600, 604_800


def warning_threshold(
    blocks: LevelBlocks, course: RecentCourse, seconds: float, budget_per_week: float
) -> float:
    """Return the probability from which a breach within `seconds` is warned of.

    A warning is false if the level is not reached. The threshold is what kept the budget over
    visible series, raised to what would have kept it in the past of this one, if false warnings
    there would clearly have exceeded it. It is at least .5, because what is more likely not to
    happen is no warning, and at least .8 in the first two weeks of a series.

    >>> from features.timeseries.level_blocks import to_level_blocks
    >>> from features.timeseries.resampling import lay_on_grid
    >>> grid = lay_on_grid(900 * np.arange(2_000), np.tile([1.0, 2.0], 1_000))
    >>> blocks = to_level_blocks(grid, 90.0, "above")
    >>> round(warning_threshold(blocks, RecentCourse.of(blocks), 6 * 3600, 1.0), 2)
    0.56
    """
    windows = past_windows(blocks, blocks.count(seconds))
    apart = blocks.count(_HOUR)
    places = np.arange((len(blocks) - 1) % apart, len(blocks), apart)
    places = places[~np.isnan(windows.is_breach[places]) & (blocks.peaks[places] < 1.0)]
    weeks = len(places) * apart * blocks.seconds / _WEEK
    usual = _AT_ONE_A_WEEK - _FALL * np.log(budget_per_week)
    least = _LEAST if weeks >= _YOUNG_WEEKS else _LEAST_IF_YOUNG
    threshold = float(np.clip(usual, least, _HIGHEST))
    if not len(places):
        return threshold
    probabilities = usual_probabilities(blocks, course, windows, places)
    is_false = windows.is_breach[places] == 0
    expected = budget_per_week * weeks
    most = expected + _DEVIATIONS * np.sqrt(expected) + 1
    for candidate in np.arange(threshold, _HIGHEST, _APART):
        if count_warnings(places, (probabilities >= candidate) & is_false, windows.lead) <= most:
            return float(candidate)
    return _HIGHEST


def count_warnings(places: Places, is_warned: Flags, apart: int) -> int:
    """Return the number of warnings, if one is not repeated within so many blocks.

    >>> count_warnings(np.array([0, 1, 2, 9]), np.array([True, True, True, True]), 4)
    2
    """
    count, silent_until = 0, -np.inf
    for place in places[is_warned]:
        if place >= silent_until:
            count, silent_until = count + 1, place + apart
    return count
