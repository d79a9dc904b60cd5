"""Ratios of paired measurements with their intervals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_RESAMPLINGS = 2_000


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured figure with its 95% interval, beside what it is to reach.

    `most` is an upper limit and `least` a lower one. `unit` is empty for a ratio. `pairs` says from
    how many measurements the figure comes.
    """

    line: str
    name: str
    value: float
    low: float
    high: float
    pairs: int
    unit: str = ""
    most: float | None = None
    least: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure is to reach: an upper or a lower limit."""

    most: float | None = None
    least: float | None = None


def ratio_of_sums(
    line: str, name: str, pairs: Sequence[tuple[float, float]], target: Target, note: str = ""
) -> Figure:
    """Return the sum of the first numbers over the sum of the second; whole pairs are resampled.

    >>> ratio_of_sums("a", "cost", [(2.0, 1.0), (4.0, 2.0)], Target()).value
    2.0
    """
    both = np.asarray(pairs, dtype=np.float64)
    return _figure(line, name, len(both), target, note, lambda rows: _ratio(both[rows]))


def ratio_of_quantile(
    line: str,
    name: str,
    segments: Sequence[tuple[Sequence[float], float]],
    quantile: float,
    target: Target,
) -> Figure:
    """Return a quantile of all latencies over the mean of what was measured beside each segment.

    `segments` are latencies and the figure that was measured beside them.
    """
    latencies = [np.asarray(of_segment, dtype=np.float64) for of_segment, _ in segments]
    beside = np.array([figure for _, figure in segments])

    def compute(rows: NDArray[np.int64]) -> float:
        together = np.concatenate([latencies[row] for row in rows])
        return float(np.quantile(together, quantile) / beside[rows].mean())

    return _figure(line, name, len(segments), target, "", compute)


def plain(
    line: str,
    name: str,
    values: Sequence[float],
    unit: str,
    most: float | None = None,
    note: str = "",
) -> Figure:
    """Return the median of measurements and their range, which no peer was measured beside."""
    low, high = min(values), max(values)
    return Figure(
        line, name, float(np.median(values)), low, high, len(values), unit, most, None, note
    )


def _figure(
    line: str,
    name: str,
    count: int,
    target: Target,
    note: str,
    compute: Callable[[NDArray[np.int64]], float],
) -> Figure:
    random = np.random.default_rng(0)
    drawn = [compute(random.integers(0, count, count)) for _ in range(_RESAMPLINGS)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    value = compute(np.arange(count))
    return Figure(
        line, name, value, float(low), float(high), count, "", target.most, target.least, note
    )


def _ratio(both: Floats) -> float:
    first, second = both.sum(axis=0)
    return float(first / second)
