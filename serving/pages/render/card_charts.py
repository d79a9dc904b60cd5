"""The pictures of a model card: confidence against accuracy, and accuracy against labels."""

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
    """A measured point: where it lies, how large it is drawn, and what it says."""

    x: float
    y: float
    radius: float
    says: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A value on an axis: where it stands, and how it is written."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class CardChart:
    """The shapes of one picture, as SVG's paths write them.

    `line` joins the `dots`, `band` is the interval around it, and `wanted` the line on which every
    dot of a calibrated model lies; an empty path draws nothing.
    """

    dots: tuple[Dot, ...]
    line: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    band: str = ""
    wanted: str = ""


def draw_reliability(bins: Sequence[ConfidenceBin]) -> CardChart | None:
    """Return how right a model was at each confidence, None where nothing was measured."""
    measured = [each for each in bins if each.n]
    if not measured:
        return None
    across, up = _scale(0, 1, LEFT, RIGHT), _scale(0, 1, BOTTOM, TOP)
    most = max(each.n for each in measured)
    dots = tuple(
        Dot(
            across(each.mean_confidence),
            up(each.accuracy),
            round(max(_SMALLEST, _LARGEST * sqrt(each.n / most)), 1),
            f"{each.mean_confidence:.0%} sure, {each.accuracy:.0%} right, {each.n:,} answers",
        )
        for each in measured
    )
    ends = [0.0, 0.5, 1.0]
    return CardChart(
        dots=dots,
        line=_path([(dot.x, dot.y) for dot in dots]),
        across=tuple(Tick(across(each), f"{each:.0%}") for each in ends),
        up=tuple(Tick(up(each), f"{each:.0%}") for each in ends),
        wanted=_path([(across(0), up(0)), (across(1), up(1))]),
    )


def draw_learning_curve(points: Sequence[CurvePoint]) -> CardChart | None:
    """Return how accuracy grew with the number of labels, None for fewer than two points."""
    curve = sorted((each for each in points if each.labels > 0), key=lambda each: each.labels)
    if len(curve) < 2 or curve[0].labels == curve[-1].labels:
        return None
    across = _scale(log(curve[0].labels), log(curve[-1].labels), LEFT, RIGHT)
    low = max(0.0, floor(min(each.low for each in curve) / _STEP) * _STEP)
    high = min(1.0, ceil(max(each.high for each in curve) / _STEP) * _STEP)
    up = _scale(low, high if high > low else low + _STEP, BOTTOM, TOP)
    places = [(across(log(each.labels)), each) for each in curve]
    dots = tuple(
        Dot(
            x,
            up(each.accuracy),
            _SMALLEST,
            f"{each.labels:,} labels: {each.accuracy:.1%} right "
            f"({each.low:.1%} to {each.high:.1%})",
        )
        for x, each in places
    )
    there = [(x, up(each.high)) for x, each in places]
    back = [(x, up(each.low)) for x, each in reversed(places)]
    return CardChart(
        dots=dots,
        line=_path([(dot.x, dot.y) for dot in dots]),
        across=_spaced([Tick(x, f"{each.labels:,}") for x, each in places]),
        up=(Tick(up(low), f"{low:.0%}"), Tick(up(high), f"{high:.0%}")),
        band=_path([*there, *back]) + "Z",
    )


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: round(start + (value - low) / (high - low) * (end - start), 1)


def _path(places: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in places)


def _spaced(ticks: Sequence[Tick]) -> tuple[Tick, ...]:
    """Return the ticks without those that would touch the last, or the one before."""
    kept: list[Tick] = []
    for tick in ticks[:-1]:
        is_free = not kept or tick.at - kept[-1].at >= _LABEL_WIDTH
        # The last is written with what the axis counts.
        if is_free and ticks[-1].at - tick.at >= _LAST_LABEL_WIDTH:
            kept.append(tick)
    return (*kept, ticks[-1])
