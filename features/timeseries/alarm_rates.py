"""Turns scores of a metric series into expected false alarms per week."""

from typing import NamedTuple

import numpy as np

from features.timeseries.channels import TimeConstants, weight
from features.timeseries.jit import compiled
from features.timeseries.state import SeriesState

_HOUR = 3_600
_WEEK = 604_800


class Alarms(NamedTuple):
    """The constants that turn scores into alarm rates: a prior, and how fast it adapts.

    A `share` of the hourly peaks exceeds `quantile`, by `excess` on average. This prior counts like
    `weight` observed exceedances. `shape` is the shape of the Pareto tail. Each excess is capped at
    `cap` times the average excess; the weight of past hours decays over `memory_hours`. One point
    in fifty exceeds the score `often`. A `false_share` of the peaks above a threshold is taken to
    belong to no incident. The score of a point shortly after a gap rises by `gap_bonus` if one
    point in ten is such a point, by twice `gap_bonus` if one in a hundred or fewer are.
    """

    share: float
    quantile: float
    excess: float
    weight: float
    shape: float
    cap: float
    memory_hours: float
    often: float
    false_share: float
    gap_bonus: float


@compiled
def judge_score(
    s: SeriesState, pace: TimeConstants, alarms: Alarms, score: float
) -> tuple[float, float]:
    """Return the score relative to the series' usual scores, and the alarm rate of the score.

    The rate is infinite while the series has no expected values. The score then updates the usual
    scores and the alarm rates that the series has learned.
    """
    rate = np.inf
    if s.points > pace.season_warm:
        rate = _alarm_rate(s, alarms, score, _WEEK / max(_HOUR, pace.step))
        _learn_rate(s, pace, alarms, score)
    relative = score - 0.5 * (s.often - alarms.often)
    # A short series may reach high scores by chance: its usual deviations are uncertain.
    relative *= min(1.0, s.points / pace.season_warm)
    _learn_often(s, score)
    return relative, rate


@compiled
def begin(s: SeriesState, alarms: Alarms, value: float) -> None:
    """Start a series: its first value is the origin, and its alarm rates are those of the prior."""
    s.origin = value
    s.last = 0.0
    s.often = alarms.often
    s.quantile = alarms.quantile
    s.exceedances = alarms.weight
    s.excess = alarms.weight * alarms.excess


@compiled
def smooth(s: SeriesState, score: float) -> float:
    """Return 0.75 score + 0.25 previous score, because anomalies last longer than noise."""
    previous = s.last_score
    s.last_score = score
    return 0.75 * score + 0.25 * previous


@compiled
def _alarm_rate(s: SeriesState, alarms: Alarms, score: float, peaks_per_week: float) -> float:
    """Return the expected false alarms per week for a threshold at this score.

    The hourly peaks have a generalised Pareto tail (Pickands, "Statistical inference using extreme
    order statistics", 1975).
    """
    scale = s.excess / s.exceedances
    rate_at_quantile = peaks_per_week * alarms.share * alarms.false_share
    distance = (score - s.quantile) / scale
    if distance <= 0:
        return min(rate_at_quantile * (1 - distance), peaks_per_week)
    return float(rate_at_quantile * (1 + alarms.shape * distance) ** (-1 / alarms.shape))


@compiled
def _learn_rate(s: SeriesState, pace: TimeConstants, alarms: Alarms, score: float) -> None:
    """Learn the quantile and the excess of hourly peaks.

    An excess is capped, because incidents cause the largest ones.
    """
    s.hour_peak = max(s.hour_peak, score)
    s.hour_points += 1
    if s.hour_points < pace.hour_points:
        return
    scale = s.excess / s.exceedances
    move = scale * max(1 / (s.hours + 24), 1 / alarms.memory_hours)
    if s.hour_peak > s.quantile:
        excess = min(s.hour_peak - s.quantile, alarms.cap * scale) / (1 - np.exp(-alarms.cap))
        retention = 1 - 1 / (alarms.memory_hours * alarms.share)
        s.excess = s.excess * retention + excess
        s.exceedances = s.exceedances * retention + 1
        s.quantile += move * (1 - alarms.share) / alarms.share
    else:
        s.quantile -= move
    s.hours += 1
    s.hour_peak = s.hour_points = 0.0


@compiled
def _learn_often(s: SeriesState, score: float) -> None:
    """Move `often` towards the score that one in fifty of the series' points exceeds.

    Robbins and Monro, "A stochastic approximation method", 1951.
    """
    move = 0.2 * weight(1 / 60_000, s.points + 1_999)
    s.often += move * (0.98 / 0.02 if score > s.often else -1.0)
