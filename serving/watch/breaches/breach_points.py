"""The points to draw of a series that will probably reach its level."""

import numpy as np

from features.domain.telemetry.series_anomaly import SeriesPoints, Values
from features.timeseries.breach_features import RecentCourse
from features.timeseries.level_blocks import Direction, Floats, to_level_blocks
from features.timeseries.resampling import SeriesGrid
from models.timeseries.forecast.breach_probability import TrustedTrend
from models.timeseries.forecast.expected_path import expected_band, expected_path

_MOST_PAST = 120
_PAST_SECONDS = 36_000


def breach_points(
    grid: SeriesGrid, level: float, direction: Direction, seconds: float
) -> SeriesPoints:
    """Return the last ten hours of a series, and its expected course for the next seconds.

    At most 120 past points and 168 expected ones; none for a series without a value.

    >>> from features.timeseries.resampling import lay_on_grid
    >>> grid = lay_on_grid(300 * np.arange(900), np.linspace(20.0, 80.0, 900))
    >>> points = breach_points(grid, 90.0, "above", 6 * 3600)
    >>> len(points.times), points.values[119], points.expected[119], points.values[120]
    (144, 80.0, None, None)
    """
    blocks = to_level_blocks(grid, level, direction)
    if blocks is None:
        return SeriesPoints()
    course = RecentCourse.of(blocks)
    trend = TrustedTrend.find(blocks, course, blocks.count(seconds))
    times, expected = expected_path(blocks, course, trend, seconds)
    lower, upper = expected_band(blocks, course, trend, seconds)
    is_recent = (grid.times > blocks.end - _PAST_SECONDS) & (grid.times <= blocks.end)
    past = np.flatnonzero(is_recent)[-_MOST_PAST:]
    values = (grid.values + grid.before)[past]
    not_yet, not_known = (None,) * len(times), (None,) * len(past)
    return SeriesPoints(
        times=(*grid.times[past].tolist(), *times.astype(np.int64).tolist()),
        values=_known(values) + not_yet,
        expected=not_known + _known(expected),
        lower=not_known + _known(lower),
        upper=not_known + _known(upper),
    )


def _known(values: Floats) -> Values:
    return tuple(value if np.isfinite(value) else None for value in values.tolist())
