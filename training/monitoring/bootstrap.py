"""A mean and its 95% interval that resamples whole days, for the incidents of a day are alike."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from training.evaluation.metrics import Interval

_REPLICATES = 400


def mean_by_day(values: Sequence[float], moments: Sequence[datetime]) -> Interval:
    """Return the mean of values, of which there is at least one, with its interval.

    >>> from datetime import UTC
    >>> mean_by_day([0.0, 1.0], [datetime(2026, 3, 1, tzinfo=UTC)] * 2)
    Interval(value=0.5, low=0.5, high=0.5)
    """
    _, days = np.unique([moment.toordinal() for moment in moments], return_inverse=True)
    sums, sizes = np.bincount(days, values), np.bincount(days)
    drawn = np.random.default_rng(0).integers(len(sums), size=(_REPLICATES, len(sums)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(np.mean(values)), float(low), float(high))
