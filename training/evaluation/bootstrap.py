"""95% intervals by the bootstrap (Efron 1979), which resamples groups or days, not rows."""

from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from models.base.estimate import Estimate
from models.classification.scorers.scorer import Rows

Floats = NDArray[np.float64]


def bootstrap(
    statistic: Callable[[Floats], float], blocks: Rows, *, replicates: int = 200, seed: int = 0
) -> Estimate:
    """Return the value of a statistic with its 95% interval.

    `statistic` computes the value from the weights of the rows. `blocks` has the number of each
    row's day or group; the rows of a day or group are resampled together.
    """
    _, block_numbers = np.unique(blocks, return_inverse=True)
    count = int(block_numbers.max()) + 1
    generator = np.random.default_rng(seed)
    replicate_values = []
    for _ in range(replicates):
        draw_counts = np.bincount(generator.integers(0, count, count), minlength=count)
        replicate_values.append(statistic(draw_counts[block_numbers].astype(np.float64)))
    return percentile_interval(statistic(np.ones(len(blocks))), replicate_values)


def bootstrap_share(is_counted: NDArray[np.bool_], blocks: Rows) -> Estimate:
    """Return the share of the rows that are counted, with its 95% interval."""
    return bootstrap(lambda weight: float(weight @ is_counted / weight.sum()), blocks)


def percentile_interval(value: float, replicates: Sequence[float] | Floats) -> Estimate:
    """Return a value with the interval that holds the middle 95% of its replicates.

    >>> percentile_interval(0.5, [0.5] * 10)
    Estimate(value=0.5, low=0.5, high=0.5)
    """
    low, high = np.quantile(replicates, [0.025, 0.975])
    return Estimate(value, float(low), float(high))


def mean_by_day(values: Sequence[float], moments: Sequence[datetime]) -> Estimate:
    """Return the mean of at least one value, with a 95% interval that resamples days.

    >>> from datetime import UTC
    >>> mean_by_day([0.0, 1.0], [datetime(2026, 3, 1, tzinfo=UTC)] * 2)
    Estimate(value=0.5, low=0.5, high=0.5)
    """
    days = np.array([moment.toordinal() for moment in moments])
    value_array = np.array(values)
    return bootstrap(
        lambda weight: float(weight @ value_array / weight.sum()), days, replicates=400
    )
