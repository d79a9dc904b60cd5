"""The threshold of warnings: what would have kept the budget in the past of the series."""

import numpy as np

from features.timeseries.breach_features import RecentCourse, past_windows
from features.timeseries.level_blocks import to_level_blocks
from features.timeseries.resampling import lay_on_grid
from models.timeseries.forecast.breach_probability import usual_probabilities
from models.timeseries.forecast.warning_threshold import count_warnings, warning_threshold

SIX_HOURS = 6 * 3_600


def past(seed=0, weeks=6):
    """A daily wave whose peak reaches the level on some days."""
    rng = np.random.default_rng(seed)
    points = np.arange(weeks * 7 * 96)
    peaks = np.repeat(rng.normal(20, 3, weeks * 7), 96)
    values = 50 + peaks * np.sin(2 * np.pi * points / 96) + rng.standard_normal(len(points))
    blocks = to_level_blocks(lay_on_grid(900 * points, values), 72.0, "above")
    return blocks, RecentCourse.of(blocks)


def false_warnings(blocks, course, threshold):
    windows = past_windows(blocks, 24)
    places = np.flatnonzero(~np.isnan(windows.is_breach) & (blocks.peaks < 1))
    is_warned = usual_probabilities(blocks, course, windows, places) >= threshold
    return count_warnings(places, is_warned & (windows.is_breach[places] == 0), 24)


def test_the_past_kept_the_budget_at_the_threshold():
    blocks, course = past()
    for budget in (0.2, 1.0):
        threshold = warning_threshold(blocks, course, SIX_HOURS, budget)
        chance = 1.64 * (6 * budget) ** 0.5
        assert false_warnings(blocks, course, threshold) <= 6 * budget + chance + 1


def test_a_smaller_budget_has_no_lower_threshold():
    for seed in range(3):
        blocks, course = past(seed)
        found = [warning_threshold(blocks, course, SIX_HOURS, budget) for budget in (0.1, 1, 10)]
        assert found == sorted(found, reverse=True)
        assert min(found) >= 0.5


def test_a_past_with_many_false_warnings_raises_the_threshold(monkeypatch):
    blocks, course = past()
    usual = warning_threshold(blocks, course, SIX_HOURS, 1.0)
    module = "models.timeseries.forecast.warning_threshold.usual_probabilities"
    monkeypatch.setattr(module, lambda *given: np.full(len(given[-1]), 0.8))
    assert warning_threshold(blocks, course, SIX_HOURS, 1.0) > 0.8 > usual


def test_a_young_series_needs_more_certainty():
    assert warning_threshold(*past(weeks=1), SIX_HOURS, 10.0) == 0.8
    assert warning_threshold(*past(weeks=6), SIX_HOURS, 10.0) == 0.5
