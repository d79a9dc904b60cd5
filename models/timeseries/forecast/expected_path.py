"""The expected course of a series: what is usual at each time, plus an offset that fades."""

import numpy as np
from numpy.typing import NDArray

from features.timeseries.breach_features import RecentCourse
from features.timeseries.level_blocks import Floats, LevelBlocks
from models.timeseries.forecast.breach_probability import TrustedTrend

_MOST_POINTS = 168
_USUAL_DAYS = (1, 2, 7, 14)


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
    count = blocks.count(seconds)
    leads = np.arange(1, count + 1)[:: -(-count // _MOST_POINTS)]
    offset = course.offset_of_hours[-1]
    heights = _usual(blocks, leads) + offset * np.exp(-leads / blocks.day)
    if trend is not None:
        now = np.array([len(blocks) - 1])
        shape = trend.judged.trend
        straight = np.array([shape.extrapolate(blocks, now, lead)[0] for lead in leads])
        heights = (1 - trend.trust) * heights + trend.trust * straight
    times = blocks.end + leads * blocks.seconds
    return times.astype(np.float64), blocks.usual + blocks.unit * heights


def _usual(blocks: LevelBlocks, leads: NDArray[np.int64]) -> Floats:
    """Return the mean height at the same time of earlier days and weeks."""
    periods = blocks.day * np.array(_USUAL_DAYS)
    back = -(-leads[:, None] // periods) * periods
    places = len(blocks) - 1 + leads[:, None] - back
    known = np.where(places >= 0, blocks.means[np.maximum(places, 0)], np.nan)
    counts = (~np.isnan(known)).sum(axis=1)
    otherwise = blocks.means[-blocks.day :].mean()
    usual: Floats = np.where(counts, np.nansum(known, axis=1) / np.maximum(counts, 1), otherwise)
    return usual
