"""The channels of a metric series: each compares a point with an expectation from the past."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.timeseries.jit import compiled
from features.timeseries.state import (
    CHANNELS,
    HOURS,
    LAGS,
    LIGHT_CHANNELS,
    TERMS,
    SeriesState,
)

_DAY = 86_400
_HOUR = 3_600
_LEVEL, _SEASON, _STEP, _BURST, _TREND, _FORECAST, _WEEKLY = range(len(CHANNELS))

# Updates are clipped at a number of spreads, so that an incident does not become the new normal.
_CLIP, _SEASON_CLIP, _UNCLIPPED_POINTS = 5.0, 4.0, 100
_TINY = 1e-12
_NARROWEST, _MOST, _LEAK = 0.07, 16.0, 0.02
_KNOWN_WEEKS = 3

Numbers = NDArray[np.float64]


class ChannelResult(NamedTuple):
    """What the channels say of a point.

    `score` is their mean surprise, `leader` the one with the highest. `size` is the largest of the
    deviations from level, time of day and last point. `off_day` and `off_week` are the distances
    from the usual values of the time of day and of the hour of the week, in their usual distances;
    0 where these are unknown.
    """

    score: float
    leader: int
    expected: float
    spread: float
    size: float
    off_day: float
    off_week: float


class TimeConstants(NamedTuple):
    """The constants that depend on the step of a series, which is in seconds.

    A day has `slots` slots. `slot_points` and `hour_points` are the numbers of points in a slot and
    in an hour. `minutes_3` to `gap_memory` are the shares by which an average moves with each
    point. `forgetting` is the forgetting factor of recursive least squares. A series needs more
    than `season_warm` points for expected values, and more than `flag_warm` points for alarm rates.
    Silences of `least_silence` missing points and `least_repeats` repeated values are judged.
    """

    step: int
    slots: int
    slot_points: float
    hour_points: float
    minutes_3: float
    minutes_10: float
    hour: float
    hours_2: float
    hours_6: float
    hours_12: float
    days_2: float
    gap_memory: float
    forgetting: float
    season_warm: float
    flag_warm: float
    least_silence: float
    least_repeats: float


@compiled
def score_light(
    s: SeriesState, pace: TimeConstants, position: float, x: float, deviations: Numbers
) -> ChannelResult:
    """Score a point by three channels, and learn from it.

    Three channels are used: a fast level, the time of day, and the step from the last point.
    `position` is the time of day in slots of the season.
    """
    base, spread, slot = _season(s, pace, position)
    deviations[_LEVEL] = x - s.level[0]
    deviations[_SEASON] = x - base
    deviations[_STEP] = x - s.last
    usual = max(spread, s.spread[_SEASON])
    off_day = _ratio(s, x - base, spread)
    score, leader = _judge(s, pace, deviations, LIGHT_CHANNELS, spread)
    _learn_levels(s, pace, x)
    _learn_season(s, pace, slot, x, x - base, spread)
    return ChannelResult(score, leader, base, usual, _size(deviations), off_day, 0.0)


@compiled
def score_full(
    s: SeriesState,
    pace: TimeConstants,
    position: float,
    hour: int,
    x: float,
    deviations: Numbers,
    terms: Numbers,
    gain: Numbers,
) -> ChannelResult:
    """Return the same as `score_light`, but with every channel.

    `hour` is the hour of the week. `terms` and `gain` are work arrays.
    """
    base, spread, slot = _season(s, pace, position)
    residual = x - base
    adjusted = residual - s.drift[1]
    error = residual - _forecast(s, base, terms)
    deviations[_LEVEL] = x - s.level[0]
    deviations[_SEASON] = residual
    deviations[_STEP] = x - s.last
    deviations[_BURST] = s.drift[0] + pace.minutes_3 * (adjusted - s.drift[0])
    deviations[_TREND] = s.drift[2]
    deviations[_FORECAST] = error
    deviations[_WEEKLY] = x - s.week[hour, 0] if s.week[hour, 1] > 0 else 0.0
    expected, usual = base + s.drift[1], s.spread[_SEASON]
    off_day = _ratio(s, residual, spread)
    is_known = s.week[hour, 1] >= _KNOWN_WEEKS * pace.hour_points
    off_week = _ratio(s, deviations[_WEEKLY], s.week[hour, 2] if is_known else 0.0)
    score, leader = _judge(s, pace, deviations, len(CHANNELS), spread)
    _learn_forecast(s, pace, terms, gain, error)
    _learn_drift(s, pace, residual, usual)
    _learn_lags(s, base)
    _learn_levels(s, pace, x)
    _learn_season(s, pace, slot, x, residual, spread)
    _learn_week(s, pace, hour, x)
    return ChannelResult(score, leader, expected, usual, _size(deviations), off_day, off_week)


@compiled
def weight(share: float, points: float) -> float:
    """Return the weight of a new point in an average: `share`, but at least 1 / (points + 1)."""
    return share if share * (points + 1) >= 1 else 1 / (points + 1)


@compiled
def slot_position(pace: TimeConstants, time: int) -> float:
    """Return the time of day in slots of the season."""
    return (time % _DAY) / (_DAY / pace.slots)


@compiled
def hour_of_week(time: int) -> int:
    """Return the hour of the week in UTC; the week begins on Thursday, as unix time does."""
    return (time // _HOUR) % HOURS


@compiled
def _season(s: SeriesState, pace: TimeConstants, position: float) -> tuple[float, float, int]:
    """Return baseline, spread and slot of the time of day; the spread is 0 while it is unknown."""
    slot = int(position)
    season = s.season
    if season[slot, 2] == 0:
        return s.level[2] if s.points > 0 else 0.0, 0.0, slot
    offset = position - slot - 0.5 * (1 - 1 / pace.slot_points)
    after = (slot + 1) % pace.slots
    before = (slot - 1) % pace.slots
    neighbour = after if offset > 0 else before
    base = season[slot, 0]
    if season[neighbour, 2] > 0:
        base += abs(offset) * (season[neighbour, 0] - season[slot, 0])
    spread = 0.0
    if season[slot, 2] >= 2:
        spread = 0.5 * season[slot, 1] + 0.25 * (season[after, 1] + season[before, 1])
    return float(base), float(spread), slot


@compiled
def _ratio(s: SeriesState, deviation: float, spread: float) -> float:
    """Return a deviation relative to its spread, 0 if the spread is unknown."""
    if spread <= 0:
        return 0.0
    return float(abs(deviation) / max(spread, _NARROWEST * s.width, _TINY))


@compiled
def _size(deviations: Numbers) -> float:
    size = deviations[_LEVEL]
    for channel in (_SEASON, _STEP):
        if abs(deviations[channel]) > abs(size):
            size = deviations[channel]
    return float(size)


@compiled
def _judge(
    s: SeriesState, pace: TimeConstants, deviations: Numbers, channels: int, season_spread: float
) -> tuple[float, int]:
    """Return the mean surprise and the channel with the highest surprise; learn the spreads.

    The surprise of a deviation is log2(1 + deviation / spread): -log2 of the probability of a
    larger deviation under a distribution whose tail falls as 1/x. The ratio is limited to 16.
    """
    product, highest_ratio, leader = 1.0, -1.0, 0
    narrowest = max(_NARROWEST * s.width, _TINY)
    move = weight(pace.days_2, s.points)
    for channel in range(channels):
        size = abs(deviations[channel])
        spread = s.spread[channel]
        scale = spread
        if channel == _SEASON and season_spread > 0:
            scale = 0.5 * (spread + season_spread)
        ratio = min(size / max(scale, narrowest), _MOST)
        product *= 1 + ratio
        if ratio > highest_ratio:
            highest_ratio, leader = ratio, channel
        if s.points > _UNCLIPPED_POINTS:
            size = _clipped(size, _CLIP * spread)
        s.spread[channel] += move * (size - spread)
    return np.log2(product) / channels if s.points > 0 else 0.0, leader


@compiled
def _clipped(value: float, bound: float) -> float:
    """Return the clipped value plus 2% of the unclipped value.

    The 2% let averages still follow a lasting change of level.
    """
    return min(max(value, -bound), bound) + _LEAK * value


@compiled
def _learn_levels(s: SeriesState, pace: TimeConstants, x: float) -> None:
    moves = (pace.minutes_10, pace.hour, pace.hours_12)
    distance = abs(x - s.level[2])
    if s.points > _UNCLIPPED_POINTS:
        distance = _clipped(distance, _CLIP * s.width)
    s.width += weight(pace.days_2, s.points) * (distance - s.width)
    bound = _CLIP * max(s.spread[_LEVEL], _TINY)
    for level in range(3):
        difference = x - s.level[level]
        if s.points > _UNCLIPPED_POINTS:
            difference = _clipped(difference, bound * (1.0, 1.5, 2.5)[level])
        s.level[level] += weight(moves[level], s.points) * difference


@compiled
def _learn_season(
    s: SeriesState, pace: TimeConstants, slot: int, x: float, residual: float, spread: float
) -> None:
    season = s.season
    season[slot, 2] += 1
    days = season[slot, 2] / pace.slot_points
    move = max(0.2, 1 / (days + 1)) / pace.slot_points if days >= 1 else 1 / season[slot, 2]
    bound = _SEASON_CLIP * max(spread, s.spread[_SEASON])
    difference, size = x - season[slot, 0], abs(residual)
    if days >= 2:
        difference, size = _clipped(difference, bound), _clipped(size, bound)
    season[slot, 0] += move * difference
    if days >= 1:
        season[slot, 1] += max(0.1, 1 / (days + 1)) / pace.slot_points * (size - season[slot, 1])


@compiled
def _learn_week(s: SeriesState, pace: TimeConstants, hour: int, x: float) -> None:
    week = s.week
    week[hour, 1] += 1
    weeks = week[hour, 1] / pace.hour_points
    move = max(0.3, 1 / (weeks + 1)) / pace.hour_points if weeks >= 1 else 1 / week[hour, 1]
    difference = x - week[hour, 0]
    week[hour, 0] += move * difference
    if weeks >= 1:
        week[hour, 2] += move * (abs(difference) - week[hour, 2])


@compiled
def _forecast(s: SeriesState, base: float, terms: Numbers) -> float:
    """Predict the deviation from the season by the last points and the levels; fills in `terms`."""
    unit = max(s.spread[_LEVEL], _TINY)
    terms[0] = 1.0
    terms[1] = (s.last - base) / unit
    terms[2] = s.lags[0] / unit
    terms[3] = s.lags[1] / unit
    terms[4] = (s.level[0] - base) / unit
    terms[5] = s.drift[1] / unit
    predicted = 0.0
    for term in range(TERMS):
        predicted += s.weights[term] * terms[term]
    return float(predicted * unit)


@compiled
def _learn_forecast(
    s: SeriesState, pace: TimeConstants, terms: Numbers, gain: Numbers, error: float
) -> None:
    """Update the weights by recursive least squares with forgetting; the error is clipped.

    Haykin, "Adaptive Filter Theory", chapter on recursive least squares.
    """
    if s.points <= 30:
        return
    unit = max(s.spread[_LEVEL], _TINY)
    noise = max(s.spread[_FORECAST] / unit, 1e-6)
    covariance = s.covariance
    strength = 0.0
    for row in range(TERMS):
        total = 0.0
        for column in range(TERMS):
            total += covariance[row, column] * terms[column]
        gain[row] = total
        strength += terms[row] * total
    share = 1 / (pace.forgetting * noise * noise + strength)
    error = _clipped(error / unit, 4 * noise)
    trace = 0.0
    for row in range(TERMS):
        s.weights[row] += gain[row] * share * error
        for column in range(TERMS):
            reduced = covariance[row, column] - gain[row] * gain[column] * share
            covariance[row, column] = reduced / pace.forgetting
        trace += covariance[row, row]
    if not trace < 1e6:
        for row in range(TERMS):
            for column in range(TERMS):
                covariance[row, column] = 10.0 if row == column else 0.0


@compiled
def _learn_drift(s: SeriesState, pace: TimeConstants, residual: float, usual: float) -> None:
    """Average the deviation from the season over three minutes, two hours and six hours.

    The average over three minutes is of the deviation minus its average over two hours.
    """
    adjusted = residual - s.drift[1]
    if s.points > _UNCLIPPED_POINTS:
        adjusted = _clipped(adjusted, _CLIP * usual)
        residual = _clipped(residual, _CLIP * usual)
    s.drift[0] += pace.minutes_3 * (adjusted - s.drift[0])
    s.drift[1] += pace.hours_2 * (residual - s.drift[1])
    s.drift[2] += pace.hours_6 * (residual - s.drift[2])


@compiled
def _learn_lags(s: SeriesState, base: float) -> None:
    for lag in range(LAGS - 1, 0, -1):
        s.lags[lag] = s.lags[lag - 1]
    s.lags[0] = s.last - base if s.points > 0 else 0.0
