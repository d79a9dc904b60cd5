"""The compiled outer loops, which score many metric series point by point."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from features.timeseries.alarm_rates import Alarms, begin, judge_score, smooth
from features.timeseries.channels import (
    ChannelResult,
    TimeConstants,
    hour_of_week,
    score_full,
    score_light,
    slot_position,
)
from features.timeseries.jit import compiled
from features.timeseries.recurrence import (
    RARE_PER_WEEK,
    judge_recurrence,
    judge_schedule,
    keep_extremes,
)
from features.timeseries.runs import (
    end_gap,
    judge_hour_of_week,
    judge_repeat,
    judge_time_of_day,
    miss,
)
from features.timeseries.state import (
    CHANNELS,
    FROZEN,
    GAP,
    HIGHEST,
    LARGEST,
    LOWEST,
    OFF_DAY,
    OFF_WEEK,
    TERMS,
    SeriesState,
)

# After `_UNLIMITED_POINTS` points, values are clipped to `_FARTHEST` widths around the level.
_FARTHEST, _UNLIMITED_POINTS = 1e4, 100

States = NDArray[np.void]
Times = NDArray[np.int64]
Values = NDArray[np.float64]


class PointScores(Protocol):
    """The scores of one point: the fields of the record that the loops write."""

    score: float
    alarms_per_week: float
    expected: float
    spread: float
    channel: int


@compiled
def score_all_light(
    states: States,
    pace: TimeConstants,
    alarms: Alarms,
    times: Times,
    clock: Times,
    values: Values,
    scores: States,
) -> None:
    """Score `values` of shape (series, points) with three channels; updates the states.

    `clock` are the times as local clocks show them, of which days and weeks are made. The result
    is written to `scores`, which has the same shape.
    """
    deviations = np.zeros(len(CHANNELS))
    positions = np.array([slot_position(pace, time) for time in clock])
    for row in range(values.shape[0]):
        s = states[row]
        for column in range(values.shape[1]):
            value, out = values[row, column], scores[row, column]
            if not abs(value) < LARGEST:
                _miss(s, pace, out)
                continue
            x = _relative(s, alarms, value)
            result = score_light(s, pace, positions[column], x, deviations)
            _finish(s, pace, alarms, result, times[column], x, value, out)


@compiled
def score_all_full(
    states: States,
    pace: TimeConstants,
    alarms: Alarms,
    times: Times,
    clock: Times,
    values: Values,
    scores: States,
) -> None:
    """Score `values` as `score_all_light` does, but with every channel."""
    deviations, terms, gain = np.zeros(len(CHANNELS)), np.zeros(TERMS), np.zeros(TERMS)
    positions = np.array([slot_position(pace, time) for time in clock])
    hours = np.array([hour_of_week(time) for time in clock])
    for row in range(values.shape[0]):
        s = states[row]
        for column in range(values.shape[1]):
            value, out = values[row, column], scores[row, column]
            if not abs(value) < LARGEST:
                _miss(s, pace, out)
                continue
            x = _relative(s, alarms, value)
            result = score_full(
                s, pace, positions[column], hours[column], x, deviations, terms, gain
            )
            _finish(s, pace, alarms, result, times[column], x, value, out)


@compiled
def _relative(s: SeriesState, alarms: Alarms, value: float) -> float:
    # Relative to the first value, so that 32-bit numbers are precise enough in the state.
    if s.points == 0:
        begin(s, alarms, value)
    x = value - s.origin
    # Clipped, because one extreme value would hide all anomalies for weeks.
    limit = _FARTHEST * s.width
    if s.points > _UNLIMITED_POINTS and limit > 0:
        x = min(max(x, s.level[2] - limit), s.level[2] + limit)
    return x


@compiled
def _miss(s: SeriesState, pace: TimeConstants, out: PointScores) -> None:
    smooth(s, 0.0)
    out.alarms_per_week = miss(s, pace)
    out.channel = GAP


@compiled
def _finish(
    s: SeriesState,
    pace: TimeConstants,
    alarms: Alarms,
    point: ChannelResult,
    time: int,
    x: float,
    value: float,
    out: PointScores,
) -> None:
    """Turn the channels' result into a score and an alarm rate.

    `x` is the value relative to the origin, clipped. Excursions are compared without the clipping,
    whose limit moves: equal errors of a series that is hardly ever above zero would not be equal.
    """
    bonus = alarms.gap_bonus * min(end_gap(s, pace), 2.0)
    channel = GAP if bonus > point.score else point.leader
    raw = smooth(s, point.score) + bonus
    out.score, rate = judge_score(s, pace, alarms, raw)
    expected = point.expected
    whole = value - s.origin
    if rate <= RARE_PER_WEEK:
        rate = max(rate, judge_recurrence(s, pace, time, whole, point.size + whole - x))
    begins_quarter = keep_extremes(s, pace, time, whole)
    if s.points <= pace.flag_warm:
        rate = np.inf
    elif begins_quarter:
        missed, place = judge_schedule(s, pace, time)
        if missed < rate:
            rate, channel = missed, OFF_WEEK
            expected = 0.5 * (s.excursions[place, LOWEST] + s.excursions[place, HIGHEST])
    out.alarms_per_week, out.channel = _judge_runs(s, pace, point, x, rate, channel)
    out.spread = point.spread
    out.expected = s.origin + expected if s.points > pace.season_warm else np.nan
    s.points += 1
    s.last = x


@compiled
def _judge_runs(
    s: SeriesState, pace: TimeConstants, point: ChannelResult, x: float, rate: float, channel: int
) -> tuple[float, int]:
    """Return the rate and the channel of a point, or those of a run of points that is rarer."""
    off_day = judge_time_of_day(s, pace, point.off_day)
    if off_day < rate:
        rate, channel = off_day, OFF_DAY
    off_week = judge_hour_of_week(s, pace, point.off_week)
    if off_week < rate:
        rate, channel = off_week, OFF_WEEK
    frozen = judge_repeat(s, pace, x)
    if frozen < rate:
        rate, channel = frozen, FROZEN
    return rate, channel
