"""95% intervals by the bootstrap (Efron 1979), which draws groups or days anew, not rows."""

from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from models.base.estimate import Estimate
from models.classification.cross_validation import Rows

Floats = NDArray[np.float64]


def bootstrap(
    figure: Callable[[Floats], float], blocks: Rows, *, replicates: int = 200, seed: int = 0
) -> Estimate:
    """Return a figure with its interval; `figure` takes the weight of each row.

    `blocks` numbers the day or group that each row is drawn with.
    """
    _, numbers = np.unique(blocks, return_inverse=True)
    count = int(numbers.max()) + 1
    generator = np.random.default_rng(seed)
    drawn = []
    for _ in range(replicates):
        times_drawn = np.bincount(generator.integers(0, count, count), minlength=count)
        drawn.append(figure(times_drawn[numbers].astype(np.float64)))
    return percentile_interval(figure(np.ones(len(blocks))), drawn)


def percentile_interval(value: float, replicates: Sequence[float] | Floats) -> Estimate:
    """Return a value with the middle 95 of 100 replicates as its interval.

    >>> percentile_interval(0.5, [0.5] * 10)
    Estimate(value=0.5, low=0.5, high=0.5)
    """
    low, high = np.quantile(replicates, [0.025, 0.975])
    return Estimate(value, float(low), float(high))


def mean_by_day(values: Sequence[float], moments: Sequence[datetime]) -> Estimate:
    """Return the mean of values, of which there is at least one; days are drawn anew.

    >>> from datetime import UTC
    >>> mean_by_day([0.0, 1.0], [datetime(2026, 3, 1, tzinfo=UTC)] * 2)
    Estimate(value=0.5, low=0.5, high=0.5)
    """
    days = np.array([moment.toordinal() for moment in moments])
    column = np.array(values)
    return bootstrap(lambda weight: float(weight @ column / weight.sum()), days, replicates=400)
