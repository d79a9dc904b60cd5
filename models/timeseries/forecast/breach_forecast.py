"""Forecasts whether and when a metric series reaches a level."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.timeseries.breach_features import RecentCourse
from features.timeseries.level_blocks import Direction, Floats, LevelBlocks, to_level_blocks
from features.timeseries.resampling import SeriesGrid
from models.timeseries.forecast.breach_curve import BreachCurve
from models.timeseries.forecast.breach_probability import TrustedTrend
from models.timeseries.forecast.expected_path import expected_path

_SHARES = np.array([0.1, 0.5, 0.9])


@dataclass(frozen=True, slots=True)
class Breach:
    """Whether a level is reached within some seconds, and when.

    `probability` is that it is reached at all within `seconds`. If it is, then by `at` in half of
    the cases, and between `lower` and `upper` in 80%; all three are unix times.
    """

    seconds: float
    probability: float
    at: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class BreachForecast:
    """The forecast of one series from the time of its last value.

    `weeks` is the time that its values cover. `is_beyond` says whether the level is reached now;
    then every probability is 1. `times` and `expected` are the expected course.
    """

    from_time: int
    weeks: float
    is_beyond: bool
    breaches: tuple[Breach, ...]
    times: Floats
    expected: Floats


def forecast_breaches(
    grid: SeriesGrid, level: float, direction: Direction, horizons: Sequence[float]
) -> BreachForecast | None:
    """Forecast breaches within each horizon, in seconds; None for a series without a value.

    A level is reached when a value equals it or lies beyond it.

    >>> from features.timeseries.resampling import lay_on_grid
    >>> used = np.linspace(50.0, 80.0, 600) + 0.1 * np.sin(np.arange(600.0))
    >>> grid = lay_on_grid(900 * np.arange(600), used)
    >>> forecast = forecast_breaches(grid, 81.0, "above", [3_600.0, 86_400.0])
    >>> [round(breach.probability) for breach in forecast.breaches]
    [0, 1]
    """
    blocks = to_level_blocks(grid, level, direction)
    if blocks is None:
        return None
    course, longest = RecentCourse.of(blocks), max(horizons)
    is_beyond = _is_beyond(grid, level, direction)
    trend = TrustedTrend.find(blocks, course, blocks.count(longest))
    times, expected = expected_path(blocks, course, trend, longest)
    if is_beyond:
        now = float(blocks.end)
        breaches = [Breach(seconds, 1.0, now, now, now) for seconds in horizons]
    else:
        curve = BreachCurve.of(blocks, course, longest)
        breaches = [_breach(curve, blocks, seconds) for seconds in horizons]
    known = ~blocks.is_missing
    weeks = float(known.sum() * blocks.seconds / 604_800)
    return BreachForecast(blocks.end, weeks, is_beyond, tuple(breaches), times, expected)


def _is_beyond(grid: SeriesGrid, level: float, direction: Direction) -> bool:
    values = grid.values + grid.before
    last = float(values[~np.isnan(values)][-1])
    return last >= level if direction == "above" else last <= level


def _breach(curve: BreachCurve, blocks: LevelBlocks, seconds: float) -> Breach:
    lower, at, upper = blocks.end + curve.quantiles(seconds, _SHARES)
    return Breach(seconds, curve.probability(seconds), float(at), float(lower), float(upper))
