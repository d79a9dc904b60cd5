"""Scores whole metric series that a caller sends."""

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
    """What the alarm rates of a series are based on.

    `source` names the shipped constants, and also the past of the series if the series has values
    for more than five days. `series_weeks` is the number of weeks for which the series has values.
    `is_calibrated` says whether all series of the request together have 20 weeks or more.
    """

    source: str
    series_weeks: float
    is_calibrated: bool


@dataclass(frozen=True, slots=True)
class ScoredSeries:
    """A scored series; each array has one value for each point sent, in the same order."""

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


def score_series(series: Sequence[MetricSeries], budget_per_week: float) -> list[ScoredSeries]:
    """Score each series by its own past, with flags for a budget of false alarms a week.

    >>> times = 60 * np.arange(3)
    >>> scored, = score_series([MetricSeries("cpu", times, np.array([1.0, 2.0, np.nan]))], 1.0)
    >>> scored.is_anomalous.tolist(), len(scored.warnings)
    ([False, False, False], 3)
    """
    grids = [lay_on_grid(metric.times, metric.values) for metric in series]
    weeks = [_weeks(grid) for grid in grids]
    is_enough = sum(weeks) >= _CALIBRATED_WEEKS
    return [
        _score(metric, grid, budget_per_week, Calibration(_source(own), own, is_enough))
        for metric, grid, own in zip(series, grids, weeks, strict=True)
    ]


def _score(
    series: MetricSeries, grid: SeriesGrid, budget_per_week: float, calibration: Calibration
) -> ScoredSeries:
    model = AnomalyModel(step_seconds=grid.step_seconds)
    batch_scores = model.update(model.start(1), grid.times, grid.values[None])
    scores = _own_units(batch_scores, grid.before).within(series.bounds)
    values = grid.values + grid.before
    flags = find_flags(
        grid.times,
        values,
        scores,
        budget_per_week=budget_per_week,
        step_seconds=grid.step_seconds,
    )
    slots = grid.slots
    has_value = ~np.isnan(series.values) & ~np.isnan(grid.values[slots])
    return ScoredSeries(
        name=series.name,
        unit=series.unit,
        score=np.where(has_value, scores.score[slots], np.nan),
        is_anomalous=has_value & (scores.alarms_per_week[slots] <= budget_per_week),
        expected=scores.expected[slots],
        lower=scores.lower[slots],
        upper=scores.upper[slots],
        flags=flags,
        calibration=calibration,
        warnings=(*grid.warnings, *_warnings(series, calibration)),
    )


def _own_units(scores: SeriesScores, before: NDArray[np.float64]) -> SeriesScores:
    """Return the scores of a batch of one series, with expected values in the series' units."""
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


def _warnings(series: MetricSeries, calibration: Calibration) -> list[str]:
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
    lowest, highest = (np.nan if bound is None else bound for bound in series.bounds)
    outside = int(((series.values < lowest) | (series.values > highest)).sum())
    if outside:
        warnings.append(f"bounds: {outside} values lie outside the bounds of the series")
    return warnings
