"""Draws a series that will probably reach a level: its past, its expected course and when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from features.domain.telemetry.breach_warning import BreachWarning
from features.domain.telemetry.series_anomaly import SeriesPoints
from features.formatting import figure
from serving.pages.render.svg_paths import (
    BOTTOM,
    LABEL_WIDTH,
    LEFT,
    TOP,
    WIDTH,
    Mark,
    band_path,
    clipped,
    extent,
    is_drawn,
    line_path,
    moment_of,
    place,
    scale,
)

_ROOM = 0.12
_TOLD_EVERY = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class ExpectedValue:
    """A value of the expected course, and its 80% band if that is known."""

    at: datetime
    value: str
    band: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class BreachChart:
    """The shapes of one chart of `WIDTH` by `HEIGHT`; `band`, `expected` and `line` are SVG paths.

    `level` is the vertical position of the level. From `begins` to `ends` the level is reached in
    80% of the cases, and before `reached` in half of them. `now` is the last value's time. `last`
    is the last value as text, and `told` are some values of the expected course.
    """

    band: str
    expected: str
    line: str
    highest: str
    lowest: str
    level: float
    begins: float
    ends: float
    reached: Mark
    now: Mark
    ticks: tuple[Mark, ...]
    last: str
    told: tuple[ExpectedValue, ...]


def draw_breach(warning: BreachWarning) -> BreachChart | None:
    """Return the chart of a warning, None if it has too few points."""
    points = warning.points
    past = [
        (time, value)
        for time, value in zip(points.times, points.values, strict=True)
        if is_drawn(value)
    ]
    ends = extent(points, _around(points, warning.level))
    if not past or len(points.times) < 2 or ends is None:
        return None
    across = scale(points.times[0], points.times[-1], float(LEFT), float(WIDTH))
    up = scale(*ends, BOTTOM, TOP)
    now_at, last = moment_of(past[-1][0]), past[-1][1]
    reached = Mark(place(across, warning.at), f"{warning.at.astimezone(UTC):%H:%M}")
    lower, upper = clipped(points.lower, ends), clipped(points.upper, ends)
    return BreachChart(
        band=band_path([across(time) for time in points.times], lower, upper, up),
        expected=line_path(points.times, clipped(points.expected, ends), across, up),
        line=line_path(points.times, points.values, across, up),
        highest=figure(ends[1]),
        lowest=figure(ends[0]),
        level=round(up(warning.level), 1),
        begins=place(across, warning.lower),
        ends=place(across, warning.upper),
        reached=reached,
        now=Mark(place(across, now_at), f"{now_at:%H:%M}"),
        ticks=tuple(_ticks(reached, points)),
        last=figure(last),
        told=tuple(_told(points, now_at)),
    )


def _around(points: SeriesPoints, level: float) -> tuple[float, float]:
    """Return values a little below and above the level, so that its text fits beside its line."""
    values = [value for value in (*points.values, *points.expected, level) if is_drawn(value)]
    room = _ROOM * (max(values, default=level) - min(values, default=level))
    return level - room, level + room


def _ticks(reached: Mark, points: SeriesPoints) -> Iterator[Mark]:
    """Yield the ends of the axis, except where the text of the expected time would overlap."""
    if reached.x > LEFT + LABEL_WIDTH:
        yield Mark(float(LEFT), f"{moment_of(points.times[0]):%H:%M}")
    if reached.x < WIDTH - LABEL_WIDTH:
        yield Mark(float(WIDTH), f"{moment_of(points.times[-1]):%H:%M}")


def _told(points: SeriesPoints, now_at: datetime) -> Iterator[ExpectedValue]:
    """Yield a value of the expected course for each two hours."""
    due_at = now_at + _TOLD_EVERY
    curves = zip(points.times, points.expected, points.lower, points.upper, strict=True)
    for time, value, lower, upper in curves:
        if not is_drawn(value) or moment_of(time) < due_at:
            continue
        band = (figure(lower), figure(upper)) if is_drawn(lower) and is_drawn(upper) else None
        yield ExpectedValue(moment_of(time), figure(value), band)
        due_at += _TOLD_EVERY
