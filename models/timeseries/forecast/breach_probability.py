"""The probability that a series reaches a level within a lead, with and without a trend."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from features.timeseries.breach_features import (
    PastWindows,
    Places,
    RecentCourse,
    breach_features,
    past_windows,
)
from features.timeseries.level_blocks import Floats, LevelBlocks
from models.timeseries.forecast.breach_hazard import breach_probabilities
from models.timeseries.forecast.trend import JudgedTrend, error_without_trend, find_trend

_HOUR = 3_600
_FULL_TRUST, _NO_TRUST = 0.35, 0.6
_FULL_LEAD = 2.0
_FARTHEST = 4.0
_FEWEST_BREACHES = 2.0
_WINDOWS_IN_PAST = 8


@dataclass(frozen=True, slots=True)
class TrustedTrend:
    """A trend, and how far it is followed at the lead it was judged at, in 0..1."""

    judged: JudgedTrend
    trust: float

    @classmethod
    def find(cls, blocks: LevelBlocks, course: RecentCourse, lead: int) -> Self | None:
        """Return the trend of a series for about this lead, or None if none is to be followed.

        A trend is followed as far as it was right in the past of the series: about breaches if it
        had any at this level, else about heights.
        """
        judged_lead = min(lead, len(blocks) // _WINDOWS_IN_PAST)
        if not judged_lead:
            return None
        windows = past_windows(blocks, judged_lead)
        judged = find_trend(blocks, windows)
        if judged is None:
            return None
        trust = _trust(blocks, course, windows, judged)
        return cls(judged, trust) if trust > 0 else None

    def mixed(self, usual: float, blocks: LevelBlocks, lead: int) -> float:
        """Return a probability that is moved towards that of the trend.

        Trust fades if the lead is longer than a few times the lead at which the trend was judged.
        """
        now = np.array([len(blocks) - 1])
        trust = self.trust * min(1.0, _FARTHEST * self.judged.lead / lead)
        by_trend = float(self.judged.probabilities(blocks, now, lead)[0])
        return (1 - trust) * usual + trust * by_trend


def usual_probabilities(
    blocks: LevelBlocks, course: RecentCourse, windows: PastWindows, places: Places
) -> Floats:
    """Return the probability without a trend that a window after each place reaches the level.

    >>> from features.timeseries.level_blocks import to_level_blocks
    >>> from features.timeseries.resampling import lay_on_grid
    >>> grid = lay_on_grid(900 * np.arange(200), np.tile([1.0, 2.0], 100))
    >>> blocks = to_level_blocks(grid, 90.0, "above")
    >>> course, windows = RecentCourse.of(blocks), past_windows(blocks, 24)
    >>> usual_probabilities(blocks, course, windows, np.array([199])).round(1).tolist()
    [0.0]
    """
    features = breach_features(blocks, course, windows, places)
    return breach_probabilities(features, windows.lead * blocks.seconds / _HOUR)


def _trust(
    blocks: LevelBlocks, course: RecentCourse, windows: PastWindows, judged: JudgedTrend
) -> float:
    without = error_without_trend(windows, blocks.day)
    if not without:
        return 0.0
    by_height = (_NO_TRUST - judged.typical_error / without) / (_NO_TRUST - _FULL_TRUST)
    if by_height <= 0:
        return 0.0
    outcomes = windows.is_breach[judged.places]
    side_by_side = (judged.places[-1] - judged.places[0]) / windows.lead + 1
    if outcomes.mean() * side_by_side < _FEWEST_BREACHES:
        return float(min(1.0, by_height))
    usual = usual_probabilities(blocks, course, windows, judged.places)
    trend = judged.probabilities(blocks, judged.places, windows.lead)
    better: Floats = (usual - outcomes) ** 2 - (trend - outcomes) ** 2
    # Windows that overlap are not independent.
    deviation = better.std() / np.sqrt(side_by_side)
    by_breaches = better.mean() / deviation / _FULL_LEAD if deviation else 0.0
    return float(np.clip(min(by_height, by_breaches), 0.0, 1.0))
