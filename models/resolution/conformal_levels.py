"""Calibrates levels of predicted distributions, so that quantiles cover what they state."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

LOWER, MEDIAN, UPPER = 0.1, 0.5, 0.9


@dataclass(frozen=True, slots=True)
class ConformalLevels:
    """The levels of the predicted distribution to read for the 10%, 50% and 90% quantiles.

    A level that the history is too short to calibrate stays as it is.

    Each held-out incident has a score: the predicted probability that it is resolved by the time
    at which it was. The levels are quantiles of the scores (distributional conformal prediction,
    Chernozhukov, Wüthrich and Zhu 2021). As open incidents have no score, each resolved one counts
    for those of its duration that are still open: by the inverse of the probability to be observed
    for so long (Candès, Lei and Ren 2023).
    """

    lower: float = LOWER
    median: float = MEDIAN
    upper: float = UPPER

    @classmethod
    def of(cls, scores: Floats, weights: Floats, incidents: float) -> "ConformalLevels":
        """Return the levels from the scores of resolved incidents, and their weights.

        `incidents` is the weight of all held-out incidents. Weight that the resolved ones lack lies
        above every score, and so does one incident more (the new one).

        >>> scores = np.linspace(0.01, 1, 100) ** 2
        >>> levels = ConformalLevels.of(scores, np.ones(100), 100)
        >>> round(levels.lower, 3), round(levels.median, 3), round(levels.upper, 3)
        (0.01, 0.26, 0.828)
        """
        order = np.argsort(scores)
        sorted_scores = scores[order]
        shares = np.cumsum(weights[order]) / (max(incidents, float(weights.sum())) + 1)
        below = np.searchsorted(shares, LOWER, side="right") - 1
        return cls(
            lower=float(sorted_scores[below]) if below >= 0 else 0.0,
            median=_level(sorted_scores, shares, MEDIAN),
            upper=_level(sorted_scores, shares, UPPER),
        )


def observation_weights(hours: Floats, is_resolved: Flags, follow_up: Floats) -> Floats:
    """Return the weight of each resolved incident, 0 for others.

    It is the inverse of the share of incidents that were followed for at least so long. For how
    long each could be followed is known, also of those that were resolved.

    >>> hours, is_resolved = np.array([1.0, 5.0, 2.0]), np.array([True, True, False])
    >>> observation_weights(hours, is_resolved, np.array([8.0, 8.0, 2.0])).tolist()
    [1.0, 1.5, 0.0]
    """
    count = len(follow_up)
    followed = count - np.searchsorted(np.sort(follow_up), hours, side="left")
    return np.where(is_resolved, count / np.maximum(followed, 1), 0.0)


def _level(sorted_scores: Floats, shares: Floats, level: float) -> float:
    place = int(np.searchsorted(shares, level - 1e-12))
    return float(sorted_scores[place]) if place < len(sorted_scores) else level
