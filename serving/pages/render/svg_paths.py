"""Curves of a series as SVG paths."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import TypeGuard

from features.domain.telemetry.series_anomaly import SeriesPoints, Values

LEFT, WIDTH, HEIGHT = 46, 400, 150
"""The size of a chart; what is left of `LEFT` is for the texts of the vertical axis."""
TOP, BOTTOM = 18.0, 128.0
"""The vertical positions between which the curves are drawn."""
LABEL_WIDTH = 70.0
_MOST_BAND = 0.5

Scale = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment on the time axis: its horizontal position, and its text."""

    x: float
    label: str


def is_drawn(value: float | None) -> TypeGuard[float]:
    """Whether a value is known and fits on an axis."""
    # Differences of larger values can overflow.
    return value is not None and isfinite(value) and abs(value) < 1e300


def clipped(values: Values, ends: tuple[float, float]) -> Values:
    """Return the values, moved to the nearer end of the axis where they lie beyond it."""
    return tuple(None if value is None else min(max(value, ends[0]), ends[1]) for value in values)


def scale(low: float, high: float, start: float, end: float) -> Scale:
    """Return the function that takes `low` to `start` and `high` to `end`."""
    return lambda value: start + (value - low) / (high - low) * (end - start)


def place(across: Scale, moment: datetime) -> float:
    """Return the horizontal position of a moment, at most at the ends of the axis."""
    return round(min(max(across(moment.timestamp()), float(LEFT)), float(WIDTH)), 1)


def moment_of(seconds: int) -> datetime:
    """Return unix seconds as a datetime in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def extent(points: SeriesPoints, also: tuple[float, ...] = ()) -> tuple[float, float] | None:
    """Return the lowest and highest value of the axis; None if there is nothing to draw.

    All values fit, and those that are `also` drawn; a wide band is cut.
    """
    values = [value for value in (*points.values, *points.expected, *also) if is_drawn(value)]
    if not values:
        return None
    low, high = min(values), max(values)
    room = _MOST_BAND * ((high - low) or abs(high) or 1.0)
    edges = [edge for edge in (*points.lower, *points.upper) if is_drawn(edge)]
    low = max(min([low, *edges]), low - room)
    high = min(max([high, *edges]), high + room)
    return (low, high) if high > low else (low - room, high + room)


def line_path(times: Sequence[int], values: Values, across: Scale, up: Scale) -> str:
    """Return a path that is broken where a value is missing."""
    steps, command = [], "M"
    for time, value in zip(times, values, strict=False):
        if not is_drawn(value):
            command = "M"
            continue
        steps.append(f"{command}{across(time):.1f} {up(value):.1f}")
        command = "L"
    return "".join(steps)


def band_path(places: Sequence[float], lower: Values, upper: Values, up: Scale) -> str:
    """Return the outline of each stretch in which both edges are known."""
    outlines, edges = [], []
    for x, low, high in [*zip(places, lower, upper, strict=False), (0.0, None, None)]:
        if low is not None and high is not None:
            edges.append((x, up(low), up(high)))
        elif edges:
            upper_edge = [f"{x:.1f} {high:.1f}" for x, _, high in edges]
            lower_edge = [f"{x:.1f} {low:.1f}" for x, low, _ in reversed(edges)]
            outlines.append(f"M{'L'.join([*upper_edge, *lower_edge])}Z")
            edges = []
    return "".join(outlines)
