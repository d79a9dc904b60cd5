"""Distributions of the time to resolve, one for each incident, on a common grid of hours."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]

_LEAST_HOURS = 1 / 60
# Finer at the end, because the upper quantiles of slow incidents lie there.
_SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)


@dataclass(frozen=True, slots=True)
class SurvivalCurves:
    """The distribution of the time to resolve of each incident.

    `edges` are the ends of the periods, in rising hours. `resolved` has shape (incidents,
    periods): the probability that an incident is resolved by the end of a period. Between the ends
    it is linear in the logarithm of the hours.

    >>> curves = SurvivalCurves(np.array([1.0, 4.0]), np.array([[0.5, 0.75]]))
    >>> curves.probability_by(np.array([2.0])).tolist(), curves.hours_at(0.5).tolist()
    ([0.625], [1.0])
    """

    edges: Floats
    resolved: Floats

    @classmethod
    def of_hazards(cls, edges: Floats, margins: Floats) -> "SurvivalCurves":
        """Return the curves of discrete-time hazards, given as log-odds for each period.

        A hazard is the probability to be resolved within a period, if it is open at its beginning
        (Cox 1972; Singer and Willett 1993).
        """
        return cls(edges, np.asarray(1 - np.cumprod(1 - expit(margins), axis=1)))

    def probability_by(self, hours: Floats) -> Floats:
        """Return the probability that each incident is resolved by its own number of hours."""
        at = np.log(np.maximum(hours, _LEAST_HOURS))
        return np.array(
            [
                np.interp(moment, self._log_edges(), curve)
                for moment, curve in zip(at, self._from_zero(), strict=True)
            ]
        )

    def hours_at(self, level: float) -> Floats:
        """Return the hours by which each incident is resolved with probability `level`.

        It is infinite where the curve ends below the level.
        """
        log_edges = self._log_edges()
        hours = np.empty(len(self.resolved))
        for row, curve in enumerate(self._from_zero()):
            reached = curve[-1] >= level
            hours[row] = np.exp(np.interp(level, curve, log_edges)) if reached else np.inf
        return hours

    def period_probabilities(self) -> Floats:
        """Return the probability that each incident is resolved in each period.

        The last period includes all later times.
        """
        by_end = self._from_zero()
        by_end[:, -1] = 1.0
        probabilities: Floats = np.diff(by_end, axis=1)
        return probabilities

    def _log_edges(self) -> Floats:
        return np.asarray(np.log(np.concatenate([[_LEAST_HOURS], self.edges])))

    def _from_zero(self) -> Floats:
        return np.hstack([np.zeros((len(self.resolved), 1)), self.resolved])


def periods_of(hours: Floats, edges: Floats) -> NDArray[np.int64]:
    """Return the number of the period in which each time lies; the last has all later times.

    >>> periods_of(np.array([0.5, 1.0, 3.0, 9.0]), np.array([1.0, 4.0])).tolist()
    [0, 0, 1, 1]
    """
    return np.minimum(np.searchsorted(edges, hours, side="left"), len(edges) - 1)


def choose_edges(hours: Floats, weights: Floats, shares: Sequence[float] = _SHARES) -> Floats:
    """Return the ends of periods, by the weighted shares of incidents resolved by each.

    >>> choose_edges(np.arange(1.0, 101.0), np.ones(100), (0.25, 0.5, 0.75, 1)).tolist()
    [25.0, 50.0, 75.0, 100.0]
    """
    if not len(hours):
        return np.zeros(0)
    order = np.argsort(hours)
    reached = np.cumsum(weights[order]) / weights.sum()
    places = np.searchsorted(reached, np.array(shares) - 1e-9)
    edges = np.unique(hours[order][np.minimum(places, len(order) - 1)])
    return np.asarray(edges[edges > _LEAST_HOURS], dtype=np.float64)
