"""Trends that take a series to a level: a disk that fills, memory that leaks, growth that ends.

Each trend is judged by what its forecasts would have been worth in the past of the series, so that
its errors then are what it may be wrong by now.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import ndtr

from features.timeseries.breach_features import PastWindows, Places
from features.timeseries.level_blocks import Floats, LevelBlocks

_STRETCH_HOURS = (3, 12, 24, 168)
_HOUR = 3_600
_MOST_PLACES, _FEWEST_PLACES = 150, 12
_MOST_BLOCKS = 48
_FEWEST_WINDOWS = 5
_MEMORY_LEADS = 8.0
_SMOOTHING = 0.5
_LEAST_ERROR = 1e-6
_SLOWING = 0.98


@dataclass(frozen=True, slots=True)
class Trend:
    """The slope between the medians of two neighbouring stretches of so many blocks.

    A damped slope shrinks in each stretch as it did in the last one: growth that saturates.
    """

    stretch: int
    is_damped: bool

    @property
    def first_place(self) -> int:
        """The first block at whose end the slope is known."""
        return (3 if self.is_damped else 2) * self.stretch - 1

    def extrapolate(self, blocks: LevelBlocks, places: Places, lead: float) -> Floats:
        """Return the height `lead` blocks after each place if the slope goes on."""
        # A median of some blocks of a long stretch is as good, and costs less.
        apart = -(-self.stretch // _MOST_BLOCKS)
        stretches = sliding_window_view(blocks.means, self.stretch)[:, ::apart]
        starts = [places - (shift + 1) * self.stretch + 1 for shift in range(3)]
        newest, middle, oldest = (
            np.median(stretches[np.maximum(start, 0)], axis=1) for start in starts
        )
        rise, earlier_rise = newest - middle, middle - oldest
        # The median of the newest stretch is the height at its middle.
        count = lead / self.stretch + 0.5
        linear: Floats = newest + rise * count
        if not self.is_damped:
            return linear
        is_slowing = (earlier_rise * rise > 0) & (np.abs(rise) < _SLOWING * np.abs(earlier_rise))
        ratio = np.where(is_slowing, rise / np.where(is_slowing, earlier_rise, 1.0), 0.0)
        damped = newest + rise * ratio * (1 - ratio**count) / (1 - ratio)
        return np.where(is_slowing, damped, linear)


@dataclass(frozen=True, slots=True)
class JudgedTrend:
    """A trend with the errors of its forecasts of the highest height in windows of `lead` blocks.

    `errors` and `weights` have one entry for each of the past `places`; `typical_error` is the
    weighted median distance of an error from `median_error`.
    """

    trend: Trend
    lead: int
    places: Places
    errors: Floats
    weights: Floats
    median_error: float
    typical_error: float

    @classmethod
    def of(cls, blocks: LevelBlocks, windows: PastWindows, trend: Trend) -> Self | None:
        """Return the trend with its past errors, or None if the past is too short to judge it."""
        known = np.flatnonzero(~np.isnan(windows.peak))
        places = known[known >= trend.first_place]
        places = places[:: -(-len(places) // _MOST_PLACES)] if len(places) else places
        if len(places) < _FEWEST_PLACES:
            return None
        # Windows that overlap share their peak, so that errors within few windows look small.
        least = max(_FEWEST_WINDOWS * windows.lead, trend.stretch)
        if places[-1] - places[0] < least:
            return None
        errors = windows.peak[places] - trend.extrapolate(blocks, places, windows.lead)
        memory = _MEMORY_LEADS * max(windows.lead, trend.stretch)
        weights = np.exp((places - places[-1]) / memory)
        median = _weighted_median(errors, weights)
        typical = _weighted_median(np.abs(errors - median), weights)
        return cls(trend, windows.lead, places, errors, weights, median, typical)

    def probabilities(self, blocks: LevelBlocks, places: Places, lead: int) -> Floats:
        """Return the probability of reaching the level within `lead` blocks after each place."""
        # Errors of a slope grow with the lead; that peaks are higher than means does not.
        growth = lead / self.lead
        errors = self.median_error + growth * (self.errors - self.median_error)
        width = max(_SMOOTHING * self.typical_error, _LEAST_ERROR)
        expected = self.trend.extrapolate(blocks, places, lead)
        margins = expected[:, None] + errors[None] - 1.0
        beyond: Floats = ndtr(margins / (growth * width)) @ self.weights
        probabilities: Floats = np.minimum(beyond / self.weights.sum(), 1.0)
        return probabilities


def find_trend(blocks: LevelBlocks, windows: PastWindows) -> JudgedTrend | None:
    """Return the trend that forecast the past best, or None if the past is too short for any.

    >>> from features.timeseries.breach_features import past_windows
    >>> from features.timeseries.level_blocks import to_level_blocks
    >>> from features.timeseries.resampling import lay_on_grid
    >>> used = np.linspace(50.0, 80.0, 300) + np.sin(np.arange(300.0))
    >>> blocks = to_level_blocks(lay_on_grid(900 * np.arange(300), used), 83.0, "above")
    >>> judged = find_trend(blocks, past_windows(blocks, 30))
    >>> now = np.array([299])
    >>> judged.probabilities(blocks, now, 60).round(1).tolist()
    [1.0]
    """
    judged = [
        found
        for hours in _STRETCH_HOURS
        for is_damped in (False, True)
        if (found := JudgedTrend.of(blocks, windows, Trend(blocks.count(hours * _HOUR), is_damped)))
    ]
    return min(judged, key=lambda found: found.typical_error, default=None)


def error_without_trend(windows: PastWindows, day: int) -> float:
    """Return the typical past error of the best forecast without a trend; 0 if none is known.

    They are: the same peak as in the window just before, in that of the day before, and in that of
    the week before. Unlike the errors of a trend they keep their bias, because a trend is one.
    """
    known = np.flatnonzero(~np.isnan(windows.peak))
    errors = []
    for period in (1, day, 7 * day):
        lag = -(-windows.lead // period) * period
        late = known[known >= lag]
        change = windows.peak[late] - windows.peak[late - lag]
        change = change[~np.isnan(change)]
        if len(change) >= _FEWEST_PLACES:
            errors.append(float(np.median(np.abs(change))))
    return min(errors, default=0.0)


def _weighted_median(values: Floats, weights: Floats) -> float:
    order = np.argsort(values)
    share = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(share, share[-1] / 2)])
