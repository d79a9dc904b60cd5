"""Reads from the state of a series which excursions it has come to take as routine."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from features.timeseries.recurrence import (
    DAYS_OF_ROUTINE,
    EQUAL,
    LARGER_OF_LONG,
    LATELY,
    OFTEN_DAYS,
    SAME_TIME,
    SMALLER_OF_LONG,
    WEEKS_OF_ROUTINE,
)
from features.timeseries.state import DURATION, HIGHEST, LOWEST, SIZE

_DAY, _WEEK = 86_400, 604_800

# Excursions that are smaller than so many usual deviations are noise, and not worth telling.
LEAST_SPREADS = 8.0
_MOSTLY = 0.75

Every = Literal["day", "week", "irregular"]


@dataclass(frozen=True, slots=True)
class Routine:
    """Excursions of a series that match in direction and size, and no longer raise flags.

    `at` is the local time of the day, with the weekday if `every` is a week; None if they come at
    any time. `duration_seconds` is the longest, `lower` and `upper` are the lowest and the highest
    value, in the series' own units. `days_seen` counts the days with such an excursion among those
    that are remembered. `size` is the largest deviation from what was usual, negative for a fall.
    """

    at: str | None
    every: Every
    duration_seconds: float
    lower: float
    upper: float
    days_seen: int
    size: float


def find_routines(
    state: np.void, zone: tzinfo = UTC, *, with_current: bool = True
) -> tuple[Routine, ...]:
    """Return the routines of one series, the most frequent first.

    Without `with_current`, only what already raises no more flags: the newest excursion may still
    go on, and is itself judged by those before it.
    """
    times, excursions = _remembered(state)
    if not with_current and state["began_at"] != 0:
        times, excursions = times[1:], excursions[1:]
    is_large = np.abs(excursions[:, SIZE]) >= LEAST_SPREADS * state["spread"][0]
    times, excursions = times[is_large], excursions[is_large]
    routines = []
    while len(times):
        sizes = excursions[:, SIZE]
        ratios = sizes / sizes[0]
        alike = (ratios >= 1 / SMALLER_OF_LONG) & (ratios <= LARGER_OF_LONG)
        routine = _routine(times[alike], excursions[alike], float(state["origin"]), zone)
        if routine is not None:
            routines.append(routine)
        times, excursions = times[~alike], excursions[~alike]
    return tuple(sorted(routines, key=lambda routine: -routine.days_seen))


def newest_excursions(states: NDArray[np.void]) -> NDArray[np.float64]:
    """Return when the newest remembered excursion of each series began, 0 if there is none.

    It changes when an excursion is added to those that routines are found in, or is forgotten.
    """
    if "excursions_at" not in (states.dtype.names or ()):
        return np.zeros(len(states))
    newest: NDArray[np.float64] = states["excursions_at"][:, 0]
    return newest


def _remembered(state: np.void) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return when the remembered excursions began, and the excursions, the newest first."""
    current = state["began_at"]
    times = np.concatenate([[current], state["excursions_at"]])
    excursions = np.concatenate([state["excursion"][None], state["excursions"]])
    known = times != 0
    return times[known], excursions[known].astype(np.float64)


def _routine(
    times: NDArray[np.float64], excursions: NDArray[np.float64], origin: float, zone: tzinfo
) -> Routine | None:
    days, sizes = len(np.unique(times // _DAY)), excursions[:, SIZE]
    weekly, daily = _find_period(times, _WEEK), _find_period(times, _DAY)
    is_weekly = weekly is not None and len(times) >= WEEKS_OF_ROUTINE
    is_daily = daily is not None and days >= DAYS_OF_ROUTINE
    if not (is_weekly or is_daily or _is_frequent(times, sizes)):
        return None
    every: Every = "irregular"
    at = None
    if weekly is not None and is_weekly:
        every, at = "week", f"{datetime.fromtimestamp(weekly, zone):%A %H:%M}"
    elif daily is not None and is_daily:
        every, at = "day", f"{datetime.fromtimestamp(daily, zone):%H:%M}"
    return Routine(
        at=at,
        every=every,
        duration_seconds=float(excursions[:, DURATION].max()),
        lower=origin + float(excursions[:, LOWEST].min()),
        upper=origin + float(excursions[:, HIGHEST].max()),
        days_seen=days,
        size=float(sizes[np.abs(sizes).argmax()]),
    )


def _is_frequent(times: NDArray[np.float64], sizes: NDArray[np.float64]) -> bool:
    """Tell whether excursions at no certain time are equal, or come on many days lately."""
    ratios = sizes / sizes[0]
    is_equal = (ratios >= 1 / EQUAL) & (ratios <= EQUAL)
    is_recent = times >= times[0] - LATELY
    return (
        len(np.unique(times[is_equal] // _DAY)) >= DAYS_OF_ROUTINE
        or len(np.unique(times[is_recent] // _DAY)) >= OFTEN_DAYS
    )


def _find_period(times: NDArray[np.float64], period: int) -> float | None:
    """Return a time from which most others are whole periods away; None if there is none."""
    away = np.abs((times - times[:, None] + period / 2) % period - period / 2)
    near = (away <= SAME_TIME).mean(axis=1)
    best = int(near.argmax())
    return float(times[best]) if near[best] >= _MOSTLY else None
