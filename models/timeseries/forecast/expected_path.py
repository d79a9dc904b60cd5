"""The expected course of a series: what is usual at each time, plus an offset that fades.

How far courses that were computed in the past turned out to be from the series gives its band.
"""

import numpy as np
from numpy.typing import NDArray

from features.timeseries.breach_features import Places, RecentCourse
from features.timeseries.level_blocks import Floats, LevelBlocks
from models.timeseries.forecast.breach_probability import TrustedTrend

_MOST_POINTS = 168
_USUAL_DAYS = (1, 2, 7, 14)
_BAND = (0.1, 0.9)
_BAND_DAYS = 28
_MOST_ORIGINS, _FEWEST_ORIGINS = 200, 20


def expected_path(
    blocks: LevelBlocks, course: RecentCourse, trend: TrustedTrend | None, seconds: float
) -> tuple[Floats, Floats]:
    """Return unix times and expected values for the next seconds, at most 168 of each.

    The usual value is that at the same time one and two days and weeks before. The offset from it
    fades within a day. A trend counts as far as it is followed.

    >>> from features.timeseries.level_blocks import to_level_blocks
    >>> from features.timeseries.resampling import lay_on_grid
    >>> values = 10.0 + np.sin(np.arange(480) * np.pi / 48)
    >>> blocks = to_level_blocks(lay_on_grid(900 * np.arange(480), values), 12.0, "above")
    >>> times, expected = expected_path(blocks, RecentCourse.of(blocks), None, 6 * 3600)
    >>> len(times), expected[:3].round(2).tolist(), values[:3].round(2).tolist()
    (24, [10.0, 10.07, 10.13], [10.0, 10.07, 10.13])
    """
    leads = _leads(blocks, seconds)
    now = np.array([len(blocks) - 1])
    heights = _expected_heights(blocks, course, trend, now, leads)[0]
    times = blocks.end + leads * blocks.seconds
    return times.astype(np.float64), blocks.usual + blocks.unit * heights


def expected_band(
    blocks: LevelBlocks, course: RecentCourse, trend: TrustedTrend | None, seconds: float
) -> tuple[Floats, Floats]:
    """Return the lower and upper end of an 80% band around the values of `expected_path`.

    Its ends are quantiles of how far the series was from the paths expected at up to 200 moments of
    the last four weeks, for each lead. They are NaN if fewer than 20 such moments are known.

    >>> from features.timeseries.level_blocks import to_level_blocks
    >>> from features.timeseries.resampling import lay_on_grid
    >>> values = 10.0 + np.random.default_rng(1).normal(size=960)
    >>> blocks = to_level_blocks(lay_on_grid(900 * np.arange(960), values), 15.0, "above")
    >>> lower, upper = expected_band(blocks, RecentCourse.of(blocks), None, 3600)
    >>> bool(8 < lower.mean() < 9.5), bool(10.5 < upper.mean() < 12)
    (True, True)
    """
    leads = _leads(blocks, seconds)
    origins = _origins(blocks, trend, int(leads[-1]))
    if len(origins) < _FEWEST_ORIGINS:
        unknown = np.full(len(leads), np.nan)
        return unknown, unknown
    later = origins[:, None] + leads
    errors = blocks.means[later] - _expected_heights(blocks, course, trend, origins, leads)
    errors[blocks.is_missing[later]] = np.nan
    now = np.array([len(blocks) - 1])
    heights = _expected_heights(blocks, course, trend, now, leads)
    is_enough = (~np.isnan(errors)).sum(axis=0) >= _FEWEST_ORIGINS
    ends = np.full((2, len(leads)), np.nan)
    ends[:, is_enough] = np.nanquantile(errors[:, is_enough], _BAND, axis=0)
    # The unit is negative for a level below.
    values = np.sort(blocks.usual + blocks.unit * (heights + ends), axis=0)
    return values[0], values[1]


def _leads(blocks: LevelBlocks, seconds: float) -> NDArray[np.int64]:
    count = blocks.count(seconds)
    return np.arange(1, count + 1)[:: -(-count // _MOST_POINTS)]


def _origins(blocks: LevelBlocks, trend: TrustedTrend | None, lead: int) -> Places:
    """Return past moments with a day before them and a whole path after them."""
    first = max(blocks.day, len(blocks) - _BAND_DAYS * blocks.day)
    if trend is not None:
        first = max(first, trend.judged.trend.first_place)
    places = np.arange(first, len(blocks) - lead)
    places = places[~blocks.is_missing[places]]
    return places[:: -(-len(places) // _MOST_ORIGINS)] if len(places) else places


def _expected_heights(
    blocks: LevelBlocks,
    course: RecentCourse,
    trend: TrustedTrend | None,
    origins: Places,
    leads: NDArray[np.int64],
) -> Floats:
    """Return the heights expected at each origin, shape (origins, leads)."""
    offset = course.offset_of_hours[origins, None]
    heights = _usual(blocks, origins, leads) + offset * np.exp(-leads / blocks.day)
    if trend is None:
        return heights
    shape = trend.judged.trend
    straight = np.column_stack([shape.extrapolate(blocks, origins, lead) for lead in leads])
    mixed: Floats = (1 - trend.trust) * heights + trend.trust * straight
    return mixed


def _usual(blocks: LevelBlocks, origins: Places, leads: NDArray[np.int64]) -> Floats:
    """Return the mean height at the same time of earlier days and weeks, as known at each origin.

    Where none is known, it is the mean of the day before the origin.
    """
    periods = blocks.day * np.array(_USUAL_DAYS)
    back = -(-leads[:, None] // periods) * periods
    places = origins[:, None, None] + leads[:, None] - back
    known = np.where(places >= 0, blocks.means[np.maximum(places, 0)], np.nan)
    counts = (~np.isnan(known)).sum(axis=2)
    sums = np.concatenate([[0.0], np.cumsum(blocks.means)])
    since = np.maximum(origins + 1 - blocks.day, 0)
    otherwise = (sums[origins + 1] - sums[since]) / (origins + 1 - since)
    usual: Floats = np.where(
        counts, np.nansum(known, axis=2) / np.maximum(counts, 1), otherwise[:, None]
    )
    return usual
