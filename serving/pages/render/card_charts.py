"""The charts of a model card: accuracy by confidence, and accuracy by number of labels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log, sqrt

from models.base.model_card import ConfidenceBin, CurvePoint

LEFT, RIGHT, TOP, BOTTOM = 40.0, 392.0, 12.0, 168.0
_SMALLEST, _LARGEST = 2.5, 7.0
_STEP = 0.1
_LABEL_WIDTH, _LAST_LABEL_WIDTH = 34.0, 90.0


@dataclass(frozen=True, slots=True)
class Dot:
    """A measured point: its position, the radius of its dot, and its text."""

    x: float
    y: float
    radius: float
    text: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A value on an axis: its position, and its text."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class CardChart:
    """The shapes of one chart, as SVG path data.

    `line` joins the `dots`, `band` is the interval around it, and `ideal` the line on which all
    dots of a perfectly calibrated model lie. An empty path draws nothing.
    """

    dots: tuple[Dot, ...]
    line: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    band: str = ""
    ideal: str = ""


def draw_reliability(bins: Sequence[ConfidenceBin]) -> CardChart | None:
    """Return the chart of accuracy by confidence, None if nothing was measured."""
    filled = [interval for interval in bins if interval.n]
    if not filled:
        return None
    across, up = _scale(0, 1, LEFT, RIGHT), _scale(0, 1, BOTTOM, TOP)
    most = max(interval.n for interval in filled)
    dots = tuple(
        Dot(
            across(interval.mean_confidence),
            up(interval.accuracy),
            round(max(_SMALLEST, _LARGEST * sqrt(interval.n / most)), 1),
            f"{interval.mean_confidence:.0%} sure, {interval.accuracy:.0%} right, "
            f"{interval.n:,} answers",
        )
        for interval in filled
    )
    values = [0.0, 0.5, 1.0]
    return CardChart(
        dots=dots,
        line=_path([(dot.x, dot.y) for dot in dots]),
        across=tuple(Tick(across(value), f"{value:.0%}") for value in values),
        up=tuple(Tick(up(value), f"{value:.0%}") for value in values),
        ideal=_path([(across(0), up(0)), (across(1), up(1))]),
    )


def draw_learning_curve(points: Sequence[CurvePoint]) -> CardChart | None:
    """Return the chart of accuracy by number of labels; None without two different numbers."""
    curve = sorted((point for point in points if point.labels > 0), key=lambda point: point.labels)
    if len(curve) < 2 or curve[0].labels == curve[-1].labels:
        return None
    across = _scale(log(curve[0].labels), log(curve[-1].labels), LEFT, RIGHT)
    low = max(0.0, floor(min(point.low for point in curve) / _STEP) * _STEP)
    high = min(1.0, ceil(max(point.high for point in curve) / _STEP) * _STEP)
    up = _scale(low, high if high > low else low + _STEP, BOTTOM, TOP)
    places = [(across(log(point.labels)), point) for point in curve]
    dots = tuple(
        Dot(
            x,
            up(point.accuracy),
            _SMALLEST,
            f"{point.labels:,} labels: {point.accuracy:.1%} right "
            f"({point.low:.1%} to {point.high:.1%})",
        )
        for x, point in places
    )
    upper_edge = [(x, up(point.high)) for x, point in places]
    lower_edge = [(x, up(point.low)) for x, point in reversed(places)]
    return CardChart(
        dots=dots,
        line=_path([(dot.x, dot.y) for dot in dots]),
        across=_spaced([Tick(x, f"{point.labels:,}") for x, point in places]),
        up=(Tick(up(low), f"{low:.0%}"), Tick(up(high), f"{high:.0%}")),
        band=_path([*upper_edge, *lower_edge]) + "Z",
    )


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: round(start + (value - low) / (high - low) * (end - start), 1)


def _path(places: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in places)


def _spaced(ticks: Sequence[Tick]) -> tuple[Tick, ...]:
    """Return the last tick, and the earlier ticks whose texts do not touch another text."""
    spaced: list[Tick] = []
    for tick in ticks[:-1]:
        is_free = not spaced or tick.at - spaced[-1].at >= _LABEL_WIDTH
        # The text of the last tick names the unit of the axis, so it is longer.
        if is_free and ticks[-1].at - tick.at >= _LAST_LABEL_WIDTH:
            spaced.append(tick)
    return (*spaced, ticks[-1])
