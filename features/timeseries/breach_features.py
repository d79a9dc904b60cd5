"""What the past of a series says about whether it reaches a level within the next blocks.

Features are computed for many past moments at once, each from what was known then, so that a model
can learn from the past of the series itself.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.timeseries.level_blocks import BLOCK_SECONDS, Flags, Floats, LevelBlocks

Places = NDArray[np.intp]

FEATURES = (
    "log-odds by hour of week",
    "peak at this hour, last days",
    "peak at this hour, last weeks",
    "offset of an hour",
    "offset of six hours",
    "offset of a day",
    "log time since the level was reached",
    "last peak",
    "margin of the expected peak",
)
"""The names of the columns of `breach_features`."""

_DAYS, _WEEKS, _OFFSET_WEEKS = 7, 8, 4
_BASE_DAYS = 28
_PRIOR_RATE = 0.1
_DAY_PRIOR, _WEEK_PRIOR = 2.0, 2.0
_LEAST_RATE = 1e-3
_HIGHEST = 1.5
_CLIP = (-3.0, 5.0)
_HOUR = 3_600
_LONGEST_SINCE = 4 * 7 * 96
_MOST_MISSING = 0.5
_NEGLIGIBLE = 1e-12


@dataclass(frozen=True, slots=True)
class PastWindows:
    """For each moment, the window of the next `lead` blocks: its highest height, and its outcome.

    The moments are the ends of blocks. `peak` and `is_breach` have shape (blocks,); both are NaN
    where the window is not over yet, or where more than half of its blocks are missing.
    """

    lead: int
    peak: Floats
    is_breach: Floats


def past_windows(blocks: LevelBlocks, lead: int) -> PastWindows:
    """Return the windows of `lead` blocks that follow each block.

    >>> from features.timeseries.level_blocks import to_level_blocks
    >>> from features.timeseries.resampling import lay_on_grid
    >>> grid = lay_on_grid(900 * np.arange(5), np.array([0.0, 1.0, 0.0, 3.0, 0.0]))
    >>> blocks = to_level_blocks(grid, 3.0, "above")
    >>> past_windows(blocks, 2).is_breach.tolist()
    [0.0, 1.0, 1.0, nan, nan]
    """
    count = len(blocks)
    peak = np.full(count, np.nan)
    if lead < count:
        peak[: count - lead] = highest_of(blocks.peaks[1:], lead)
        missing = np.concatenate([[0.0], np.cumsum(blocks.is_missing)])
        share = (missing[lead + 1 :] - missing[1 : count - lead + 1]) / lead
        peak[: count - lead][share > _MOST_MISSING] = np.nan
    return PastWindows(lead, peak, np.where(np.isnan(peak), np.nan, peak >= 1.0))


def highest_of(values: Floats, width: int) -> Floats:
    """Return the highest of each `width` neighbouring values, shape (values - width + 1,).

    >>> highest_of(np.array([1.0, 3.0, 2.0, 0.0]), 2).tolist()
    [3.0, 3.0, 2.0]
    """
    highest, covered = values, 1
    while 2 * covered <= width:
        highest = np.maximum(highest[: len(highest) - covered], highest[covered:])
        covered *= 2
    rest = width - covered
    return highest if not rest else np.maximum(highest[: len(highest) - rest], highest[rest:])


@dataclass(frozen=True, slots=True)
class RecentCourse:
    """Where the series is at the end of each block, whatever the lead; shape (blocks, ...)."""

    columns: Floats
    offset_of_hours: Floats

    @classmethod
    def of(cls, blocks: LevelBlocks) -> "RecentCourse":
        """Return the recent course of a series."""
        peaks, means = np.clip(blocks.peaks, *_CLIP), np.clip(blocks.means, *_CLIP)
        offset = means - _usual_at_this_time(means, blocks.day)
        hour = blocks.count(_HOUR)
        averages = [_average(offset, hour * hours) for hours in (1, 6, 24)]
        since = _blocks_since(peaks >= 1.0) * blocks.seconds / BLOCK_SECONDS
        since = np.log1p(np.minimum(since, _LONGEST_SINCE))
        columns = np.column_stack([*averages, since, np.minimum(peaks, 1.0)])
        return cls(columns, averages[1])


def breach_features(
    blocks: LevelBlocks, course: RecentCourse, windows: PastWindows, places: Places
) -> Floats:
    """Return the features of windows that begin after the blocks at `places`.

    The result has shape (places, features), in the order of `FEATURES`.
    """
    lead, day = windows.lead, blocks.day
    days = _multiple(lead, day) + day * np.arange(_DAYS)
    weeks = _multiple(lead, 7 * day) + 7 * day * np.arange(_WEEKS)
    base = _base_rate(windows, blocks, places)
    by_day = _shrunk_rate(_earlier(windows.is_breach, places, days), base, _DAY_PRIOR)
    by_week = _shrunk_rate(_earlier(windows.is_breach, places, weeks), by_day, _WEEK_PRIOR)
    capped = np.minimum(windows.peak, _HIGHEST)
    recent = _highest_of_day(blocks, places)
    last_days = _earlier(capped, places, days)
    day_peak = _mean_or(last_days, recent)
    week_peak = _mean_or(_earlier(capped, places, weeks[:_OFFSET_WEEKS]), day_peak)
    expected = (day_peak + week_peak) / 2 + course.offset_of_hours[places] / 2
    spread = np.sqrt(_mean_or((last_days - day_peak[:, None]) ** 2, np.full(len(places), 0.04)))
    margin = np.clip((1.0 - expected) / (spread + 0.1), -4.0, 6.0)
    seasonal = np.column_stack([_log_odds(by_week), day_peak, week_peak])
    features: Floats = np.column_stack([seasonal, course.columns[places], margin])
    return features


def _usual_at_this_time(means: Floats, day: int) -> Floats:
    """Return the mean of the same block one and two days and one and two weeks before."""
    shifted = np.vstack([_lagged(means, lag * day) for lag in (1, 2, 7, 14)])
    known = ~np.isnan(shifted)
    counts = known.sum(axis=0)
    so_far = np.cumsum(means) / np.arange(1, len(means) + 1)
    return np.where(counts, np.nansum(shifted, axis=0) / np.maximum(counts, 1), so_far)


def _lagged(values: Floats, lag: int) -> Floats:
    shifted = np.full(len(values), np.nan)
    if lag < len(values):
        shifted[lag:] = values[: len(values) - lag]
    return shifted


def _average(values: Floats, blocks: int) -> Floats:
    """Return the exponential average with a memory of so many blocks, unbiased at the beginning."""
    kept = float(np.exp(-1.0 / blocks))
    averages: Floats = _decayed_sums(values, kept) / _decayed_sums(np.ones(len(values)), kept)
    return averages


def _decayed_sums(values: Floats, kept: float) -> Floats:
    """Return the sum of all values until each one, of which a share is kept from one to the next.

    Sums of twice as many values are made from two neighbouring sums (Hillis and Steele 1986).
    """
    sums, reach, factor = values, 1, kept
    while reach < len(sums) and factor > _NEGLIGIBLE:
        longer = sums.copy()
        longer[reach:] += factor * sums[:-reach]
        sums, reach, factor = longer, 2 * reach, factor * factor
    return sums


def _blocks_since(is_beyond: Flags) -> Floats:
    places = np.arange(len(is_beyond))
    last = np.where(is_beyond, places, -(10**6))
    np.maximum.accumulate(last, out=last)
    return (places - last).astype(np.float64)


def _multiple(lead: int, period: int) -> int:
    """Return the least multiple of a period that is not below the lead."""
    return -(-lead // period) * period


def _earlier(values: Floats, places: Places, lags: NDArray[np.intp]) -> Floats:
    """Return the values at so many blocks before each place, shape (places, lags)."""
    at = places[:, None] - lags[None]
    return np.where(at >= 0, values[np.maximum(at, 0)], np.nan)


def _base_rate(windows: PastWindows, blocks: LevelBlocks, places: Places) -> Floats:
    """Return the share of breaches in the windows of the last weeks that were over by then."""
    known = ~np.isnan(windows.is_breach)
    sums = np.concatenate([[0.0], np.cumsum(np.where(known, windows.is_breach, 0.0))])
    counts = np.concatenate([[0.0], np.cumsum(known)])
    until = np.clip(places - windows.lead + 1, 0, None)
    since = np.clip(until - _BASE_DAYS * blocks.day, 0, None)
    # Overlapping windows are not independent: a prior of one window weighs as many as overlap.
    prior = float(windows.lead)
    rate: Floats = (sums[until] - sums[since] + prior * _PRIOR_RATE) / (
        counts[until] - counts[since] + prior
    )
    return rate


def _shrunk_rate(outcomes: Floats, base: Floats, prior: float) -> Floats:
    known = (~np.isnan(outcomes)).sum(axis=1)
    rate: Floats = (np.nansum(outcomes, axis=1) + prior * base) / (known + prior)
    return rate


def _mean_or(values: Floats, otherwise: Floats) -> Floats:
    known = (~np.isnan(values)).sum(axis=1)
    return np.where(known, np.nansum(values, axis=1) / np.maximum(known, 1), otherwise)


def _highest_of_day(blocks: LevelBlocks, places: Places) -> Floats:
    """Return the highest height of the day before each place, at most a little over the level."""
    padded = np.concatenate([np.full(blocks.day - 1, -np.inf), blocks.peaks])
    highest: Floats = np.clip(highest_of(padded, blocks.day), _CLIP[0], _HIGHEST)[places]
    return highest


def _log_odds(rates: Floats) -> Floats:
    clipped = np.clip(rates, _LEAST_RATE, 1.0 - _LEAST_RATE)
    odds: Floats = np.log(clipped / (1.0 - clipped))
    return odds
