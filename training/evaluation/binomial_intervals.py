"""Confidence intervals of binomial shares."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv

_Z = 1.96


def lower_bound(hits: ArrayLike, cases: ArrayLike, level: float = 0.05) -> NDArray[np.float64]:
    """Return one-sided lower Clopper-Pearson bounds of `hits / cases`, at error rate `level`.

    >>> lower_bound([36, 0], [36, 36]).round(3).tolist()
    [0.92, 0.0]
    """
    hit_counts, case_counts = np.asarray(hits), np.asarray(cases)
    bounds = betaincinv(np.maximum(hit_counts, 1), case_counts - hit_counts + 1, level)
    return np.where(hit_counts > 0, bounds, 0.0)


def upper_bound(hits: ArrayLike, cases: ArrayLike, level: float = 0.05) -> NDArray[np.float64]:
    """Return one-sided upper Clopper-Pearson bounds of `hits / cases`, at error rate `level`.

    >>> upper_bound([0, 36], [36, 36]).round(3).tolist()
    [0.08, 1.0]
    """
    hit_counts, case_counts = np.asarray(hits), np.asarray(cases)
    bounds = betaincinv(hit_counts + 1, np.maximum(case_counts - hit_counts, 1), 1 - level)
    return np.where(hit_counts < case_counts, bounds, 1.0)


def wilson_interval(share: float, cases: float) -> tuple[float, float]:
    """Return Wilson's 95% interval (1927) of a share measured on `cases` independent cases.

    >>> [round(bound, 2) for bound in wilson_interval(1.0, 30)]
    [0.89, 1.0]
    """
    centre = (share + _Z**2 / (2 * cases)) / (1 + _Z**2 / cases)
    spread = share * (1 - share) / cases + _Z**2 / (4 * cases**2)
    half_width = _Z * math.sqrt(spread) / (1 + _Z**2 / cases)
    return max(0.0, centre - half_width), min(1.0, centre + half_width)
