"""Scores whole metric series that a caller sends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import partial

import numpy as np
from numpy.typing import NDArray

from features.timeseries.resampling import SeriesGrid, lay_on_grid
from features.timeseries.time_grid import local_clock
from models.base.series_model import MetricSeries, SeriesScores
from models.timeseries.anomaly_flags import Flag, find_flags
from models.timeseries.anomaly_model import BUDGET_SHARES, DAYS_BEFORE_FLAGS, AnomalyModel
from models.timeseries.confirmed_trouble import update_outside
from models.timeseries.revoked_routines import RevokedRoutine, update_revoked
from models.timeseries.routines import Routine, find_routines

_WEEK = 604_800
_CALIBRATED_WEEKS, _LEAST_OWN_WEEKS = 20.0, 3.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the alarm rates of a series are based on.

    `source` names the shipped constants, and also the past of the series if the series has values
    for more than five days. `series_weeks` is the number of weeks for which the series has values.
    `is_calibrated` says whether it has three weeks or more, and all series of the request together
    20 or more. `shares` are the shares of the budget for values, silence, frozen values and
    departures from the schedule.
    """

    source: str
    series_weeks: float
    is_calibrated: bool
    shares: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ScoredSeries:
    """A scored series; each array has one value for each point sent, in the same order.

    `expected_per_week` is how often the series by itself reaches what a point has reached: one
    scale for all series, by which flags are judged. NaN or infinite where it is unknown.
    """

    name: str
    unit: str | None
    score: NDArray[np.float64]
    expected_per_week: NDArray[np.float64]
    is_anomalous: NDArray[np.bool_]
    expected: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    flags: tuple[Flag, ...]
    routines: tuple[Routine, ...]
    calibration: Calibration
    warnings: tuple[str, ...]


def score_series(
    series: Sequence[MetricSeries], budget_per_week: float, zone: tzinfo = UTC
) -> list[ScoredSeries]:
    """Score each series by its own past, with flags for a budget of false alarms a week.

    Days and weeks are those of the time zone.

    >>> times = 60 * np.arange(3)
    >>> scored, = score_series([MetricSeries("cpu", times, np.array([1.0, 2.0, np.nan]))], 1.0)
    >>> scored.is_anomalous.tolist(), len(scored.warnings)
    ([False, False, False], 3)
    """
    grids = [lay_on_grid(metric.times, metric.values) for metric in series]
    weeks = [_weeks(grid) for grid in grids]
    is_enough = sum(weeks) >= _CALIBRATED_WEEKS
    calibrations = [
        Calibration(_source(own), own, is_enough and own >= _LEAST_OWN_WEEKS, BUDGET_SHARES)
        for own in weeks
    ]
    return [
        _score(metric, grid, budget_per_week, calibration, zone)
        for metric, grid, calibration in zip(series, grids, calibrations, strict=True)
    ]


def _score(
    series: MetricSeries,
    grid: SeriesGrid,
    budget_per_week: float,
    calibration: Calibration,
    zone: tzinfo,
) -> ScoredSeries:
    model = AnomalyModel(step_seconds=grid.step_seconds)
    states = model.start(1)
    clock = local_clock(grid.times, zone)
    revoked = [RevokedRoutine(0, lower, upper) for lower, upper in series.revoked]
    update = partial(update_revoked, revoked, model.update, grid.step_seconds)
    batch_scores = update_outside(
        series.trouble, update, states, grid.times, grid.values[None], clock
    )
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
        expected_per_week=np.where(has_value, scores.alarms_per_week[slots], np.nan),
        is_anomalous=has_value & (scores.alarms_per_week[slots] <= budget_per_week),
        expected=scores.expected[slots],
        lower=scores.lower[slots],
        upper=scores.upper[slots],
        flags=flags,
        routines=find_routines(states[0], zone),
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
            f"uncalibrated: the series has fewer than {_LEAST_OWN_WEEKS:.0f} weeks of values, or "
            f"all series together have fewer than {_CALIBRATED_WEEKS:.0f}, so the real rate of "
            "false alarms may differ from the budget"
        )
    days = calibration.series_weeks * 7
    if days <= DAYS_BEFORE_FLAGS:
        warnings.append(
            f"warm-up: {days:.1f} days of values; flags begin after {DAYS_BEFORE_FLAGS} days"
        )
    if not np.isfinite(series.values).any():
        warnings.append("silent: the series has no values, so nothing can be told about it")
    lowest, highest = (np.nan if bound is None else bound for bound in series.bounds)
    outside = int(((series.values < lowest) | (series.values > highest)).sum())
    if outside:
        warnings.append(f"bounds: {outside} values lie outside the bounds of the series")
    return warnings
