"""The probability from which a breach is warned of, so that false warnings keep a budget."""

import numpy as np

from features.timeseries.breach_features import Places, RecentCourse, past_windows
from features.timeseries.level_blocks import Flags, LevelBlocks
from models.timeseries.forecast.breach_probability import usual_probabilities

LEAST_PROBABILITY = 0.5
_YOUNG_PROBABILITY, _YOUNG_WEEKS = 0.8, 2.0
_HIGHEST = 0.99
_CANDIDATES = np.linspace(LEAST_PROBABILITY, _HIGHEST, 50)
_HOUR, _WEEK = 3_600, 604_800
_EXTRA_FALSE_WARNINGS = 1.0


def warning_threshold(
    blocks: LevelBlocks, course: RecentCourse, seconds: float, budget_per_week: float
) -> float:
    """Return the least probability whose warnings would have kept the budget in the past.

    A warning is false if the level is not reached within `seconds`. It is at least .5: what is more
    likely not to happen is no warning. In the first two weeks of a series it is at least .8, as
    what recurs is not known yet. One more false warning than were seen is assumed.

    >>> from features.timeseries.level_blocks import to_level_blocks
    >>> from features.timeseries.resampling import lay_on_grid
    >>> grid = lay_on_grid(900 * np.arange(2_000), np.tile([1.0, 2.0], 1_000))
    >>> blocks = to_level_blocks(grid, 90.0, "above")
    >>> warning_threshold(blocks, RecentCourse.of(blocks), 6 * 3600, 1.0)
    0.5
    """
    windows = past_windows(blocks, blocks.count(seconds))
    apart = blocks.count(_HOUR)
    places = np.arange((len(blocks) - 1) % apart, len(blocks), apart)
    places = places[~np.isnan(windows.is_breach[places]) & (blocks.peaks[places] < 1.0)]
    weeks = len(places) * apart * blocks.seconds / _WEEK
    if not len(places):
        return _HIGHEST
    least = LEAST_PROBABILITY if weeks >= _YOUNG_WEEKS else _YOUNG_PROBABILITY
    probabilities = usual_probabilities(blocks, course, windows, places)
    is_false = windows.is_breach[places] == 0
    most = budget_per_week * weeks
    for candidate in _CANDIDATES[least <= _CANDIDATES]:
        warned = probabilities >= candidate
        extra = _EXTRA_FALSE_WARNINGS if warned.any() else 0.0
        if count_warnings(places, warned & is_false, windows.lead) + extra <= max(most, 1.0):
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
