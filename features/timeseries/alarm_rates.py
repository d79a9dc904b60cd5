"""From scores of a metric series to expected false alarms a week, and what gaps mean."""

from typing import NamedTuple

import numpy as np

from features.timeseries.channels import TimeConstants, weight
from features.timeseries.jit import compiled
from features.timeseries.state import AFTER_GAP, GAP_LENGTHS, SeriesState

_HOUR = 3_600
_WEEK = 604_800


class Alarms(NamedTuple):
    """How scores become alarm rates: the prior of a tier, and how the own past moves it.

    Of the hourly peaks, a `share` exceeds `quantile`, by `excess` on average, as if that had been
    seen `weight` times; `shape` is the tail's. An excess counts up to `cap` times the average, and
    past hours count for `memory_hours`. A point in fifty exceeds the score `often`. Of what exceeds
    a threshold a `false_share` is no incident.
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


class Gaps(NamedTuple):
    """What a gap adds to the scores after it, for each decade of its rarity up to two, and how long
    it lasts before it is an alarm itself.
    """

    bonus: float
    least_points: float


@compiled
def judge_score(
    s: SeriesState, pace: TimeConstants, alarms: Alarms, score: float
) -> tuple[float, float]:
    """Return the score beside what the series often reaches, and its alarm rate; learn both.

    The rate is infinite while the series is too young.
    """
    rate = np.inf
    if s.points > pace.season_warm:
        if s.points > pace.flag_warm:
            rate = _alarm_rate(s, alarms, score, _WEEK / max(_HOUR, pace.step))
        _learn_rate(s, pace, alarms, score)
    beside = score - 0.5 * (s.often - alarms.often)
    # While its usual sizes are hardly known, a series would reach high scores by chance.
    beside *= min(1.0, s.points / pace.season_warm)
    _learn_often(s, score)
    return beside, rate


@compiled
def begin(s: SeriesState, alarms: Alarms, value: float) -> None:
    """Take the first value as origin, and the prior as what is known of alarms."""
    s.origin = value
    s.last = 0.0
    s.often = alarms.often
    s.quantile = alarms.quantile
    s.exceedances = alarms.weight
    s.excess = alarms.weight * alarms.excess


@compiled
def smooth(s: SeriesState, score: float) -> float:
    """Return the mean of the score and its mean over two points: trouble lasts, noise less so."""
    before = s.last_score
    s.last_score = score
    return 0.75 * score + 0.25 * before


@compiled
def miss(s: SeriesState, pace: TimeConstants, gaps: Gaps) -> float:
    """Count a missing point; return how often a week the series was missing for as long.

    Taken twice, for gaps and values share a budget.
    """
    s.missing += 1
    s.since_gap = 0.0
    smooth(s, 0.0)
    lasted = s.missing - gaps.least_points
    if lasted < 0 or lasted > pace.hour_points or s.points < pace.flag_warm:
        return np.inf
    weeks = s.points * pace.step / _WEEK
    as_long = float(s.gaps[min(int(np.log2(s.missing)), GAP_LENGTHS - 1)])
    return 2 * (1 + as_long) / weeks


@compiled
def end_gap(s: SeriesState, pace: TimeConstants) -> float:
    """Count a gap that ended, and the points that one ended shortly before; return its rarity."""
    if s.missing > 0:
        for each in range(min(int(np.log2(s.missing)), GAP_LENGTHS - 1) + 1):
            s.gaps[each] += 1
    s.missing = 0.0
    s.since_gap += 1
    follows = 1.0 if s.since_gap < AFTER_GAP else 0.0
    s.gap_share += weight(pace.gap_memory, s.points + 99) * (follows - s.gap_share)
    return -np.log10(max(s.gap_share, 1e-6)) if follows > 0 else 0.0


@compiled
def _alarm_rate(s: SeriesState, alarms: Alarms, score: float, peaks_per_week: float) -> float:
    """Return the expected alarms a week at a threshold: a generalised Pareto tail of hourly peaks.

    Pickands, "Statistical inference using extreme order statistics", 1975.
    """
    scale = s.excess / s.exceedances
    common = peaks_per_week * alarms.share * alarms.false_share
    beyond = (score - s.quantile) / scale
    if beyond <= 0:
        return min(common * (1 - beyond), peaks_per_week)
    return float(common * (1 + alarms.shape * beyond) ** (-1 / alarms.shape))


@compiled
def _learn_rate(s: SeriesState, pace: TimeConstants, alarms: Alarms, score: float) -> None:
    """Count the highest score of each hour; what exceeds the quantile is capped: incidents do."""
    s.hour_peak = max(s.hour_peak, score)
    s.hour_points += 1
    if s.hour_points < pace.hour_points:
        return
    scale = s.excess / s.exceedances
    move = scale * max(1 / (s.hours + 24), 1 / alarms.memory_hours)
    if s.hour_peak > s.quantile:
        beyond = min(s.hour_peak - s.quantile, alarms.cap * scale) / (1 - np.exp(-alarms.cap))
        keep = 1 - 1 / (alarms.memory_hours * alarms.share)
        s.excess = s.excess * keep + beyond
        s.exceedances = s.exceedances * keep + 1
        s.quantile += move * (1 - alarms.share) / alarms.share
    else:
        s.quantile -= move
    s.hours += 1
    s.hour_peak = s.hour_points = 0.0


@compiled
def _learn_often(s: SeriesState, score: float) -> None:
    """Move towards the score that a fiftieth of the series' points exceed.

    Robbins, Monro, "A stochastic approximation method", 1951.
    """
    move = 0.2 * weight(1 / 60_000, s.points + 1_999)
    s.often += move * (0.98 / 0.02 if score > s.often else -1.0)
