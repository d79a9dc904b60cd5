"""Routines that were announced to people: which one a found routine is, and a sentence about it."""

from features.domain.telemetry.series_routine import SeriesRoutine
from features.formatting import figure
from features.timeseries.recurrence import LARGER_OF_LONG, SMALLER_OF_LONG
from models.timeseries.routines import Routine

_MINUTE, _HOUR = 60, 3_600
_WHEN = {"day": "daily {at}", "week": "every {at}", "irregular": "at any time"}


def is_same(announced: SeriesRoutine, found: Routine) -> bool:
    """Tell whether a routine is one that was announced, which may have moved or grown since.

    They are the same if they deviate in the same direction, about as far.

    >>> from datetime import UTC, datetime
    >>> announced = SeriesRoutine("1", "k", "latency", None, "ms", "up", "06:00", "day", 1800, 320,
    ...     900, 4, datetime(2026, 3, 1, tzinfo=UTC))
    >>> is_same(announced, Routine("06:30", "day", 3600.0, 300.0, 980.0, 5, 660.0))
    True
    >>> is_same(announced, Routine("06:00", "day", 1800.0, 320.0, 1900.0, 5, 1580.0))
    False
    """
    if announced.direction != direction_of(found):
        return False
    rises = found.size > 0
    usual = (found.upper if rises else found.lower) - found.size
    reached = (announced.upper if rises else announced.lower) - usual
    return bool(reached) and 1 / SMALLER_OF_LONG <= found.size / reached <= LARGER_OF_LONG


def direction_of(routine: Routine) -> str:
    """Return `up` or `down`."""
    return "up" if routine.size > 0 else "down"


def sentence_of(routine: SeriesRoutine) -> str:
    """Return when a routine comes, how long it lasts, and between which values.

    >>> from datetime import UTC, datetime
    >>> sentence_of(SeriesRoutine("1", "k", "latency", None, "ms", "up", "06:00", "day", 1800, 320,
    ...     900, 4, datetime(2026, 3, 1, tzinfo=UTC)))
    'daily 06:00, 30 min, 320 to 900 ms; no longer flagged'
    """
    when = _WHEN[routine.every].format(at=routine.at)
    unit = f" {routine.unit}" if routine.unit else ""
    values = f"{figure(routine.lower)} to {figure(routine.upper)}{unit}"
    is_flagged = routine.revoked_at is not None or routine.ended_at is not None
    state = "flagged again" if is_flagged else "no longer flagged"
    return f"{when}, {_length(routine.duration_seconds)}, {values}; {state}"


def _length(seconds: float) -> str:
    if seconds < 2 * _HOUR:
        return f"{max(1, round(seconds / _MINUTE))} min"
    return f"{figure(seconds / _HOUR)} h"
