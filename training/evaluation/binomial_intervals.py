"""Intervals of a share that was counted."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv

_Z = 1.96


def lower_bound(right: ArrayLike, of: ArrayLike, level: float = 0.05) -> NDArray[np.float64]:
    """Return the one-sided Clopper-Pearson bounds below shares, at this chance of error.

    >>> lower_bound([36, 0], [36, 36]).round(3).tolist()
    [0.92, 0.0]
    """
    hits, cases = np.asarray(right), np.asarray(of)
    bounds = betaincinv(np.maximum(hits, 1), cases - hits + 1, level)
    return np.where(hits > 0, bounds, 0.0)


def upper_bound(right: ArrayLike, of: ArrayLike, level: float = 0.05) -> NDArray[np.float64]:
    """Return the one-sided Clopper-Pearson bounds above shares, at this chance of error.

    >>> upper_bound([0, 36], [36, 36]).round(3).tolist()
    [0.08, 1.0]
    """
    hits, cases = np.asarray(right), np.asarray(of)
    bounds = betaincinv(hits + 1, np.maximum(cases - hits, 1), 1 - level)
    return np.where(hits < cases, bounds, 1.0)


def wilson_interval(share: float, of: float) -> tuple[float, float]:
    """Return Wilson's 95% interval (1927) of a share that was seen in `of` independent cases.

    >>> [round(bound, 2) for bound in wilson_interval(1.0, 30)]
    [0.89, 1.0]
    """
    centre = (share + _Z**2 / (2 * of)) / (1 + _Z**2 / of)
    spread = share * (1 - share) / of + _Z**2 / (4 * of**2)
    reach = _Z * math.sqrt(spread) / (1 + _Z**2 / of)
    return max(0.0, centre - reach), min(1.0, centre + reach)
