"""Turns scored points into flags, one for each anomalous stretch of a series."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from features.timeseries.state import CHANNELS
from models.base.series_model import SeriesScores

CHANNEL_NAMES = (*CHANNELS, "gap", "frozen")
APART_SECONDS = 3_600

# A flag's onset is moved back to earlier points while their alarm rates are at most this many times
# the budget.
_ONSET_FACTOR = 20.0
_MOST_ONSET_SECONDS = 1_800

Direction = Literal["up", "down", "gap"]


@dataclass(frozen=True, slots=True)
class Flag:
    """An anomalous stretch of a series; `ended_at` is None while it continues.

    `value` and `expected` belong to the point that is farthest from its expected value. `effect` is
    the mean deviation (value minus expected value) over the anomalous points of the flag that
    deviate in the same direction as that point. All three are in the series' own units. They are
    NaN for a gap, where values are missing.
    """

    onset_at: datetime
    detected_at: datetime
    ended_at: datetime | None
    effect: float
    value: float
    expected: float
    score: float
    alarms_per_week: float
    channel: str
    direction: Direction


def find_flags(
    times: NDArray[np.int64],
    values: NDArray[np.float64],
    scores: SeriesScores,
    *,
    budget_per_week: float,
    step_seconds: int,
) -> tuple[Flag, ...]:
    """Return the flags of one series; all arrays have shape (points,).

    A point is anomalous if a threshold at its score gives at most `budget_per_week` false alarms a
    week. Successive anomalous points at most an hour apart belong to one flag. `step_seconds` is
    the usual time between two points.
    """
    anomalous = np.flatnonzero(scores.alarms_per_week <= budget_per_week)
    return tuple(
        _flag(times, values, scores, run, budget_per_week, step_seconds)
        for run in _runs(anomalous, times)
    )


def _runs(anomalous: NDArray[np.intp], times: NDArray[np.int64]) -> Iterator[NDArray[np.intp]]:
    if len(anomalous):
        breaks = np.flatnonzero(np.diff(times[anomalous]) > APART_SECONDS) + 1
        borders = [0, *breaks.tolist(), len(anomalous)]
        yield from (anomalous[first:last] for first, last in pairwise(borders))


def _flag(
    times: NDArray[np.int64],
    values: NDArray[np.float64],
    scores: SeriesScores,
    run: NDArray[np.intp],
    budget_per_week: float,
    step_seconds: int,
) -> Flag:
    first, last = int(run[0]), int(run[-1])
    onset = _onset(times, scores.alarms_per_week, first, budget_per_week)
    is_gap = bool(np.isnan(values[run]).all())
    if is_gap:
        onset, last = _gap_start(values, first), _gap_end(values, last)
        farthest, effect = last, np.nan
        is_ongoing = last == len(values) - 1
    else:
        farthest, effect = _effect(values, scores.expected, run)
        is_ongoing = bool(times[-1] - times[last] <= max(APART_SECONDS, step_seconds))
    peak = int(run[np.argmax(scores.score[run])])
    return Flag(
        onset_at=_utc_time(times[onset]),
        detected_at=_utc_time(times[first]),
        ended_at=None if is_ongoing else _utc_time(times[last]),
        effect=effect,
        value=float(values[farthest]),
        expected=float(scores.expected[farthest]),
        score=float(scores.score[peak]),
        alarms_per_week=float(scores.alarms_per_week[run].min()),
        channel=CHANNEL_NAMES[scores.channel[peak]],
        direction="gap" if is_gap else "up" if effect >= 0 else "down",
    )


def _effect(
    values: NDArray[np.float64], expected: NDArray[np.float64], run: NDArray[np.intp]
) -> tuple[int, float]:
    """Return the point farthest from its expected value, and the flag's `effect`; see `Flag`."""
    distances = values[run] - expected[run]
    sizes = np.abs(distances)
    sizes[np.isnan(sizes)] = -1.0
    farthest = int(sizes.argmax())
    side = distances[np.sign(distances) == np.sign(distances[farthest])]
    effect = float(side.sum() / side.size) if side.size else 0.0
    return int(run[farthest]), effect


def _gap_start(values: NDArray[np.float64], detected: int) -> int:
    measured = np.flatnonzero(~np.isnan(values[:detected]))
    return int(measured[-1]) + 1 if measured.size else 0


def _gap_end(values: NDArray[np.float64], detected: int) -> int:
    """Return the last point before values come again; that values miss is soon no longer rare."""
    measured = np.flatnonzero(~np.isnan(values[detected:]))
    return detected + int(measured[0]) - 1 if measured.size else len(values) - 1


def _onset(
    times: NDArray[np.int64],
    alarms_per_week: NDArray[np.float64],
    first: int,
    budget_per_week: float,
) -> int:
    onset = first
    while (
        onset > 0
        and alarms_per_week[onset - 1] <= _ONSET_FACTOR * budget_per_week
        and times[first] - times[onset - 1] <= _MOST_ONSET_SECONDS
    ):
        onset -= 1
    return onset


def _utc_time(seconds: np.int64) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)
