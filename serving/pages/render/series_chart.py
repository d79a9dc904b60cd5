"""Draws a series around its anomaly as SVG shapes: band, line, onset and changes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import TypeGuard

from features.domain.telemetry.series_anomaly import SeriesAnomaly, SeriesPoints, Values
from features.formatting import figure

LEFT, WIDTH, HEIGHT = 46, 400, 150
_TOP, _BOTTOM = 18.0, 128.0
_LABEL_WIDTH = 70.0
_MOST_BAND = 0.5

Scale = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment on the time axis: its horizontal position, and its text."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """The shapes of one chart of `WIDTH` by `HEIGHT`; `band`, `expected` and `line` are SVG paths.

    `highest` and `lowest` are the texts at the ends of the vertical axis, left of `LEFT`. `ticks`
    are times on the horizontal axis, `changes` the numbered changes between its ends.
    """

    band: str
    expected: str
    line: str
    highest: str
    lowest: str
    onset: Mark
    ticks: tuple[Mark, ...]
    changes: tuple[Mark, ...]
    begins_at: datetime
    ends_at: datetime


def draw(anomaly: SeriesAnomaly, changes: Iterable[tuple[int, datetime]]) -> Chart | None:
    """Return the chart of an anomaly with numbered changes, None if there are too few points."""
    points = anomaly.points
    ends = _extent(points)
    if len(points.times) < 2 or ends is None:
        return None
    first, last = points.times[0], points.times[-1]
    across = _scale(first, last, float(LEFT), float(WIDTH))
    up = _scale(*ends, _BOTTOM, _TOP)
    begins_at, ends_at = _moment(first), _moment(last)
    onset = Mark(_place(across, anomaly.onset_at), f"{anomaly.onset_at.astimezone(UTC):%H:%M}")
    lower, upper = _clipped(points.lower, ends), _clipped(points.upper, ends)
    return Chart(
        band=_band([across(time) for time in points.times], lower, upper, up),
        expected=_line(points.times, _clipped(points.expected, ends), across, up),
        line=_line(points.times, points.values, across, up),
        highest=figure(ends[1]),
        lowest=figure(ends[0]),
        onset=onset,
        ticks=tuple(_ticks(onset, begins_at, ends_at)),
        changes=tuple(
            Mark(_place(across, at), str(number))
            for number, at in changes
            if begins_at <= at <= ends_at
        ),
        begins_at=begins_at,
        ends_at=ends_at,
    )


def _extent(points: SeriesPoints) -> tuple[float, float] | None:
    """Return the lowest and highest value of the axis: all values fit, a wide band is cut."""
    values = [value for value in (*points.values, *points.expected) if _is_drawn(value)]
    if not values:
        return None
    low, high = min(values), max(values)
    room = _MOST_BAND * ((high - low) or abs(high) or 1.0)
    edges = [edge for edge in (*points.lower, *points.upper) if _is_drawn(edge)]
    low = max(min([low, *edges]), low - room)
    high = min(max([high, *edges]), high + room)
    return (low, high) if high > low else (low - room, high + room)


def _is_drawn(value: float | None) -> TypeGuard[float]:
    # Differences of larger values can overflow.
    return value is not None and isfinite(value) and abs(value) < 1e300


def _clipped(values: Values, ends: tuple[float, float]) -> Values:
    return tuple(None if value is None else min(max(value, ends[0]), ends[1]) for value in values)


def _scale(low: float, high: float, start: float, end: float) -> Scale:
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _place(across: Scale, moment: datetime) -> float:
    return round(min(max(across(moment.timestamp()), float(LEFT)), float(WIDTH)), 1)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _ticks(onset: Mark, begins_at: datetime, ends_at: datetime) -> Iterator[Mark]:
    """Yield the ends of the axis, except where the text of the onset would overlap."""
    if onset.x > LEFT + _LABEL_WIDTH:
        yield Mark(float(LEFT), f"{begins_at:%H:%M}")
    if onset.x < WIDTH - _LABEL_WIDTH:
        yield Mark(float(WIDTH), f"{ends_at:%H:%M}")


def _line(times: Sequence[int], values: Values, across: Scale, up: Scale) -> str:
    """Return a path that is broken where a value is missing."""
    steps, command = [], "M"
    for time, value in zip(times, values, strict=False):
        if not _is_drawn(value):
            command = "M"
            continue
        steps.append(f"{command}{across(time):.1f} {up(value):.1f}")
        command = "L"
    return "".join(steps)


def _band(places: Sequence[float], lower: Values, upper: Values, up: Scale) -> str:
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
