"""Scores metric series that a caller sends whole. Knows no HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.timeseries.resampling import SeriesGrid, lay_on_grid
from models.base.series_model import MetricSeries, SeriesScores
from models.timeseries.anomaly_flags import Flag, find_flags
from models.timeseries.anomaly_model import DAYS_BEFORE_FLAGS, AnomalyModel

_WEEK = 604_800
_CALIBRATED_WEEKS = 20.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """What alarm rates rest on: shipped constants alone, or also the series' own past."""

    source: str
    series_weeks: float
    is_calibrated: bool


@dataclass(frozen=True, slots=True)
class ScoredSeries:
    """A series with what was found, each array in the order of the points as they were sent."""

    name: str
    unit: str | None
    score: NDArray[np.float64]
    is_anomalous: NDArray[np.bool_]
    expected: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    flags: tuple[Flag, ...]
    calibration: Calibration
    warnings: tuple[str, ...]


def score_series(given: Sequence[MetricSeries], budget_per_week: float) -> list[ScoredSeries]:
    """Score each series by its own past, and flag what a budget of false alarms a week allows.

    >>> times = 60 * np.arange(3)
    >>> scored, = score_series([MetricSeries("cpu", times, np.array([1.0, 2.0, np.nan]))], 1.0)
    >>> scored.is_anomalous.tolist(), len(scored.warnings)
    ([False, False, False], 3)
    """
    grids = [lay_on_grid(each.times, each.values) for each in given]
    weeks = [_weeks(grid) for grid in grids]
    is_enough = sum(weeks) >= _CALIBRATED_WEEKS
    return [
        _score(each, grid, budget_per_week, Calibration(_source(own), own, is_enough))
        for each, grid, own in zip(given, grids, weeks, strict=True)
    ]


def _score(
    given: MetricSeries, grid: SeriesGrid, budget_per_week: float, calibration: Calibration
) -> ScoredSeries:
    model = AnomalyModel(step_seconds=grid.step_seconds)
    scores = model.update(model.start(1), grid.times, grid.values[None])
    found = _own_units(scores, grid.before).within(given.bounds)
    values = grid.values + grid.before
    flags = find_flags(
        grid.times,
        values,
        found,
        budget_per_week=budget_per_week,
        step_seconds=grid.step_seconds,
    )
    places = grid.slots
    is_there = ~np.isnan(given.values) & ~np.isnan(grid.values[places])
    return ScoredSeries(
        name=given.name,
        unit=given.unit,
        score=np.where(is_there, found.score[places], np.nan),
        is_anomalous=is_there & (found.alarms_per_week[places] <= budget_per_week),
        expected=found.expected[places],
        lower=found.lower[places],
        upper=found.upper[places],
        flags=flags,
        calibration=calibration,
        warnings=(*grid.warnings, *_warn(given, calibration)),
    )


def _own_units(scores: SeriesScores, before: NDArray[np.float64]) -> SeriesScores:
    """Return the scores of the one series, with what is expected in the units that were given."""
    return SeriesScores(
        score=scores.score[0],
        alarms_per_week=scores.alarms_per_week[0],
        expected=scores.expected[0] + before,
        lower=scores.lower[0] + before,
        upper=scores.upper[0] + before,
        channel=scores.channel[0],
    )


def _weeks(grid: SeriesGrid) -> float:
    return float((~np.isnan(grid.values)).sum() * grid.step_seconds / _WEEK)


def _source(weeks: float) -> str:
    return (
        "shipped constants" if weeks * 7 <= DAYS_BEFORE_FLAGS else "own past and shipped constants"
    )


def _warn(given: MetricSeries, calibration: Calibration) -> list[str]:
    warnings = []
    if not calibration.is_calibrated:
        warnings.append(
            f"uncalibrated: fewer than {_CALIBRATED_WEEKS:.0f} series-weeks were sent, so the real "
            "rate of false alarms may differ from the budget"
        )
    days = calibration.series_weeks * 7
    if days <= DAYS_BEFORE_FLAGS:
        warnings.append(
            f"warm-up: {days:.1f} days of values; flags begin after {DAYS_BEFORE_FLAGS} days"
        )
    lowest, highest = (np.nan if bound is None else bound for bound in given.bounds)
    outside = int(((given.values < lowest) | (given.values > highest)).sum())
    if outside:
        warnings.append(f"bounds: {outside} values lie outside the bounds that were given")
    return warnings
