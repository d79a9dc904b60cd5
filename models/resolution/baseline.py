"""The baseline of forecasts: what all incidents of a history have in common."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.resolution.conformal_levels import LOWER, MEDIAN, UPPER, observation_weights
from models.resolution.observations import Observations

Floats = NDArray[np.float64]
LEVELS = (LOWER, MEDIAN, UPPER)


@dataclass(frozen=True, slots=True)
class Baseline:
    """The quantiles of the hours to resolve in a history, and the shares of the two outcomes.

    A value is NaN if the history does not tell. `quantiles` are those at 10%, 50% and 90%.
    """

    quantiles: Floats
    breach: float
    reassignment: float

    @classmethod
    def of(cls, seen: Observations) -> "Baseline":
        """Return the baseline of a history, in which resolved incidents stand for open ones too.

        >>> nan, yes = np.full(3, np.nan), np.ones(3, dtype=np.bool_)
        >>> seen = Observations(np.array([1.0, 2.0, 3.0]), yes, np.full(3, 9.0), nan, nan)
        >>> Baseline.of(seen).quantiles.tolist()
        [1.0, 2.0, 3.0]
        """
        return cls(_quantiles(seen), _share(seen.missed), _share(seen.reassigned))


def pinball_losses(hours: Floats, quantiles: Floats) -> Floats:
    """Return each row's mean loss over the three levels, on the logarithm of the hours.

    `quantiles` has shape (rows, levels) or (levels,). An error of the same factor costs the same
    whether an incident takes an hour or a week (Koenker and Bassett 1978).

    >>> pinball_losses(np.array([2.0]), np.array([2.0, 2.0, 2.0])).tolist()
    [0.0]
    """
    errors = np.log(hours)[:, None] - np.log(quantiles)
    levels = np.array(LEVELS)
    return np.asarray(np.maximum(levels * errors, (levels - 1) * errors).mean(axis=1))


def log_losses(outcome: Floats, probability: Floats | float) -> Floats:
    """Return each row's log loss of a probability for an outcome of 1 or 0.

    >>> log_losses(np.array([1.0, 0.0]), 0.5).round(2).tolist()
    [0.69, 0.69]
    """
    likelihood = np.where(outcome == 1, probability, 1 - np.asarray(probability))
    return np.asarray(-np.log(np.clip(likelihood, 1e-12, 1.0)))


def _quantiles(seen: Observations) -> Floats:
    timed = seen.take(seen.is_timed)
    weights = observation_weights(timed.hours, timed.is_resolved, timed.follow_up)
    order = np.argsort(timed.hours)
    shares = np.cumsum(weights[order])
    if not len(shares) or shares[-1] == 0:
        return np.full(len(LEVELS), np.nan)
    places = np.searchsorted(shares / shares[-1], np.array(LEVELS))
    return np.asarray(timed.hours[order][places])


def _share(outcome: Floats) -> float:
    known = outcome[np.isfinite(outcome)]
    return float(known.mean()) if len(known) else float("nan")
