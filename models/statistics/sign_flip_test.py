"""Tests whether paired differences favour one side, by exact sign flips of blocks."""

from collections.abc import Iterable

import numpy as np


def sign_flip_p_value(differences: Iterable[int]) -> float:
    """Return the probability of a sum of at least this size if every sign were random.

    Each difference is the sum of a block of dependent pairs. Under the null hypothesis a block's
    difference is as likely to be negative as positive (Fisher 1935). The distribution of the sum
    is computed exactly. With differences of -1, 0 and 1 this is the one-sided exact test of
    McNemar (1947). Without differences the value is 1.

    >>> sign_flip_p_value([1, 1, 1, 1, 0]) == 0.5**4
    True
    >>> sign_flip_p_value([4]), sign_flip_p_value([])
    (0.5, 1.0)
    """
    nonzero = [difference for difference in differences if difference]
    distribution = np.ones(1)
    for difference in nonzero:
        flipped = np.zeros(len(distribution) + 2 * abs(difference))
        flipped[: len(distribution)] += 0.5 * distribution
        flipped[2 * abs(difference) :] += 0.5 * distribution
        distribution = flipped
    smallest = -sum(map(abs, nonzero))
    return float(min(distribution[sum(nonzero) - smallest :].sum(), 1.0))
