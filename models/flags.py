"""Turns scored points into flags: stretches that a responder hears of once."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from features.encoding.series_state import CHANNELS
from models.series_model import SeriesScores

CHANNEL_NAMES = (*CHANNELS, "gap")
APART_SECONDS = 3_600

# Points before the first anomalous one belong to it while they are at most so many times as common.
_ONSET_FACTOR = 20.0
_MOST_ONSET_SECONDS = 1_800

Direction = Literal["up", "down", "gap"]


@dataclass(frozen=True, slots=True)
class Flag:
    """A stretch of a series that is out of line; it lasts while `ended_at` is None.

    `effect` is the mean of value minus expected, in the series' own units; `value` and `expected`
    are those of its highest score. For a gap, where values are missing, they are NaN.
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
    """Return the flags of one series, whose arrays have a place for each of its points.

    A point is anomalous where a threshold at its score would give `budget_per_week` false alarms
    or fewer. Anomalous points within an hour are one flag.
    """
    anomalous = np.flatnonzero(scores.alarms_per_week <= budget_per_week)
    return tuple(
        _flag(times, values, scores, run, budget_per_week, step_seconds)
        for run in _runs(anomalous, times)
    )


def _runs(anomalous: NDArray[np.intp], times: NDArray[np.int64]) -> Iterator[NDArray[np.intp]]:
    if len(anomalous):
        breaks = np.flatnonzero(np.diff(times[anomalous]) > APART_SECONDS) + 1
        yield from np.split(anomalous, breaks)


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
    peak = int(run[np.argmax(scores.score[run])])
    is_missing = np.isnan(values[run])
    if is_missing.all():
        peak, onset = last, first - int(np.argmin(np.isnan(values[first::-1]))) + 1
    lasts = times[-1] - times[last] <= max(APART_SECONDS, step_seconds)
    away = (values[run] - scores.expected[run])[~is_missing]
    return Flag(
        onset_at=_at(times[onset]),
        detected_at=_at(times[first]),
        ended_at=None if lasts else _at(times[last]),
        effect=float(away.mean()) if away.size else np.nan,
        value=float(values[peak]),
        expected=float(scores.expected[peak]),
        score=float(scores.score[peak]),
        alarms_per_week=float(scores.alarms_per_week[peak]),
        channel=CHANNEL_NAMES[scores.channel[peak]],
        direction=_direction(values[peak], scores.expected[peak]),
    )


def _onset(
    times: NDArray[np.int64],
    alarms_per_week: NDArray[np.float64],
    first: int,
    budget_per_week: float,
) -> int:
    at = first
    while (
        at > 0
        and alarms_per_week[at - 1] <= _ONSET_FACTOR * budget_per_week
        and times[first] - times[at - 1] <= _MOST_ONSET_SECONDS
    ):
        at -= 1
    return at


def _direction(value: float, expected: float) -> Direction:
    if np.isnan(value):
        return "gap"
    return "up" if value >= expected else "down"


def _at(seconds: np.int64) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)
