"""Draws a series around its anomaly as SVG shapes: band, line, onset and changes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from features.domain.telemetry.series_anomaly import SeriesAnomaly
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
    line_path,
    moment_of,
    place,
    scale,
)


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
    ends = extent(points)
    if len(points.times) < 2 or ends is None:
        return None
    first, last = points.times[0], points.times[-1]
    across = scale(first, last, float(LEFT), float(WIDTH))
    up = scale(*ends, BOTTOM, TOP)
    begins_at, ends_at = moment_of(first), moment_of(last)
    onset = Mark(place(across, anomaly.onset_at), f"{anomaly.onset_at.astimezone(UTC):%H:%M}")
    lower, upper = clipped(points.lower, ends), clipped(points.upper, ends)
    return Chart(
        band=band_path([across(time) for time in points.times], lower, upper, up),
        expected=line_path(points.times, clipped(points.expected, ends), across, up),
        line=line_path(points.times, points.values, across, up),
        highest=figure(ends[1]),
        lowest=figure(ends[0]),
        onset=onset,
        ticks=tuple(_ticks(onset, begins_at, ends_at)),
        changes=tuple(
            Mark(place(across, at), str(number))
            for number, at in changes
            if begins_at <= at <= ends_at
        ),
        begins_at=begins_at,
        ends_at=ends_at,
    )


def _ticks(onset: Mark, begins_at: datetime, ends_at: datetime) -> Iterator[Mark]:
    """Yield the ends of the axis, except where the text of the onset would overlap."""
    if onset.x > LEFT + LABEL_WIDTH:
        yield Mark(float(LEFT), f"{begins_at:%H:%M}")
    if onset.x < WIDTH - LABEL_WIDTH:
        yield Mark(float(WIDTH), f"{ends_at:%H:%M}")
