"""Reads from the state of a series which excursions it has come to take as routine."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from features.timeseries.recurrence import (
    DAYS_OF_ROUTINE,
    LARGER_OF_LONG,
    SAME_TIME,
    SMALLER_OF_LONG,
    WEEKS_OF_ROUTINE,
)
from features.timeseries.state import DURATION, HIGHEST, LOWEST, SIZE

_DAY, _WEEK = 86_400, 604_800

Every = Literal["day", "week", "irregular"]


@dataclass(frozen=True, slots=True)
class Routine:
    """Excursions of a series that match in direction and size, and no longer raise flags.

    `at` is the local time of the day, with the weekday if `every` is a week; None if they come at
    any time. `duration_seconds` is the longest, `lower` and `upper` are the lowest and the highest
    value, in the series' own units. `days_seen` counts the days with such an excursion among those
    that are remembered.
    """

    at: str | None
    every: Every
    duration_seconds: float
    lower: float
    upper: float
    days_seen: int


def find_routines(state: np.void, zone: tzinfo = UTC) -> tuple[Routine, ...]:
    """Return the routines of one series, the most frequent first."""
    times, excursions = _remembered(state)
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
    days = len(np.unique(times // _DAY))
    is_weekly = _is_periodic(times, _WEEK) and len(times) >= WEEKS_OF_ROUTINE
    if days < DAYS_OF_ROUTINE and not is_weekly:
        return None
    is_daily = not is_weekly and _is_periodic(times, _DAY)
    every: Every = "week" if is_weekly else "day" if is_daily else "irregular"
    begin = datetime.fromtimestamp(float(times[0]), zone)
    formats = {"week": "%A %H:%M", "day": "%H:%M"}
    return Routine(
        at=begin.strftime(formats[every]) if every in formats else None,
        every=every,
        duration_seconds=float(excursions[:, DURATION].max()),
        lower=origin + float(excursions[:, LOWEST].min()),
        upper=origin + float(excursions[:, HIGHEST].max()),
        days_seen=days,
    )


def _is_periodic(times: NDArray[np.float64], period: int) -> bool:
    """Tell whether all times lie near whole periods before the first, the newest."""
    away = np.abs((times - times[0] + period / 2) % period - period / 2)
    return bool((away <= SAME_TIME).all())
