"""Judges runs that a score does not see: silence, frozen values, and what is off its schedule.

Each kind of run counts how many earlier runs of the series reached each length. The rate of a
length is what these counts let expect, so a kind of run that a series often has raises no alarm,
and a kind that it never had does so once the series is old enough.
"""

import numpy as np

from features.timeseries.channels import TimeConstants, weight
from features.timeseries.jit import compiled
from features.timeseries.state import (
    AFTER_GAP,
    DAY_RUN,
    FROZEN_RUN,
    RUN_LENGTHS,
    SILENT_RUN,
    WEEK_RUN,
    SeriesState,
)

_WEEK = 604_800

# A kind of run has a tenth of the budget. Lengths double from class to class, and beyond the
# longest run of the past each class is taken to be half as frequent as the one before.
_SHARES, _RARER = 10.0, 0.5
_MOST_REPEATS = 0.5

# A point is off the usual value from `_OFF` spreads on. The sum over the points of a run is
# CUSUM's (Page, "Continuous inspection schemes", 1954), of log2(ratio / `_OFF`).
_OFF, _MOST_OF_POINT, _LEAST_SUM, _KEPT = 4.0, 6.0, 8.0, 0.7


@compiled
def miss(s: SeriesState, pace: TimeConstants) -> float:
    """Count a missing point; return the rate per week of silences that reach this length.

    It is infinite if the silence is shorter than `least_silence` points, if it exceeds them by more
    than an hour, or if the series is too short.
    """
    s.runs[SILENT_RUN] += 1
    s.since_gap = 0.0
    excess_points = s.runs[SILENT_RUN] - pace.least_silence
    if excess_points < 0 or excess_points > pace.hour_points or s.points < pace.flag_warm:
        return np.inf
    return _rate(s, pace, SILENT_RUN, s.runs[SILENT_RUN])


@compiled
def end_gap(s: SeriesState, pace: TimeConstants) -> float:
    """Count a known point, and the silence that it ends, if any.

    For a point shortly after a gap, returns how rare such points are in the series, in powers of
    ten (2 for one in a hundred), else 0.
    """
    if s.runs[SILENT_RUN] > 0:
        _end(s, SILENT_RUN, s.runs[SILENT_RUN])
        s.runs[SILENT_RUN] = 0.0
    s.since_gap += 1
    is_recent = 1.0 if s.since_gap < AFTER_GAP else 0.0
    s.gap_share += weight(pace.gap_memory, s.points + 99) * (is_recent - s.gap_share)
    return -np.log10(max(s.gap_share, 1e-6)) if is_recent > 0 else 0.0


@compiled
def judge_repeat(s: SeriesState, pace: TimeConstants, x: float) -> float:
    """Count a value that equals the last one; return the rate per week of so many repetitions.

    It is infinite for short runs and for series whose values repeat more often than not.
    """
    is_repeated = 1.0 if x == s.last and s.points > 0 else 0.0
    s.repeat_share += weight(pace.gap_memory, s.points) * (is_repeated - s.repeat_share)
    if is_repeated == 0:
        if s.runs[FROZEN_RUN] > 0:
            _end(s, FROZEN_RUN, s.runs[FROZEN_RUN])
            s.runs[FROZEN_RUN] = 0.0
        return np.inf
    s.runs[FROZEN_RUN] += 1
    repeats = s.runs[FROZEN_RUN]
    if repeats < pace.least_repeats or s.points < pace.flag_warm or s.repeat_share > _MOST_REPEATS:
        return np.inf
    by_chance = _WEEK / pace.step * s.repeat_share**repeats
    return float(max(by_chance, _rate(s, pace, FROZEN_RUN, repeats)))


@compiled
def judge_time_of_day(s: SeriesState, pace: TimeConstants, ratio: float) -> float:
    """Add a point's distance from the usual value at the time of day, in usual distances.

    Return the rate per week of runs as far off as this one.
    """
    if ratio < _OFF and s.runs[DAY_RUN] == 0:
        return np.inf
    return _judge_distance(s, pace, DAY_RUN, ratio)


@compiled
def judge_hour_of_week(s: SeriesState, pace: TimeConstants, ratio: float) -> float:
    """Do the same as `judge_time_of_day` for the usual value at the hour of the week."""
    if ratio < _OFF and s.runs[WEEK_RUN] == 0:
        return np.inf
    return _judge_distance(s, pace, WEEK_RUN, ratio)


@compiled
def _judge_distance(s: SeriesState, pace: TimeConstants, run: int, ratio: float) -> float:
    if ratio < _OFF:
        s.runs[run] = _KEPT * s.runs[run] - 1
        if s.runs[run] <= 0:
            _end(s, run, s.run_peaks[run])
            s.runs[run] = s.run_peaks[run] = 0.0
        return np.inf
    s.runs[run] += min(np.log2(ratio / _OFF), _MOST_OF_POINT)
    s.run_peaks[run] = max(s.run_peaks[run], s.runs[run])
    if s.runs[run] < _LEAST_SUM or s.points < pace.flag_warm:
        return np.inf
    return _rate(s, pace, run, s.runs[run])


@compiled
def _rate(s: SeriesState, pace: TimeConstants, run: int, length: float) -> float:
    reached = _length_class(length)
    longest = reached
    while longest >= 0 and s.run_counts[run, longest] == 0:
        longest -= 1
    usual = _length_class(_usual_length(pace, run)) - 1
    unseen = _RARER ** max(reached - max(longest, usual), 0)
    weeks = s.points * pace.step / _WEEK
    return float(_SHARES * (s.run_counts[run, reached] + unseen) / weeks)


@compiled
def _usual_length(pace: TimeConstants, run: int) -> float:
    """Return the shortest length that is judged."""
    if run == SILENT_RUN:
        return pace.least_silence
    if run == FROZEN_RUN:
        return pace.least_repeats
    return _LEAST_SUM


@compiled
def _end(s: SeriesState, run: int, length: float) -> None:
    if length >= 1:
        for shorter in range(_length_class(length) + 1):
            s.run_counts[run, shorter] += 1


@compiled
def _length_class(length: float) -> int:
    return min(int(np.log2(length)), RUN_LENGTHS - 1)
