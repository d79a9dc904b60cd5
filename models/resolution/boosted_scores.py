"""Boosted trees over what was known at opening and, for some, the period of being resolved."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.resolution.survival_curves import SurvivalCurves
from models.statistics.tree_table import TreeTable

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BoostedScores:
    """Trees whose sum, with the baseline, is the log-odds of an outcome."""

    trees: TreeTable
    baseline: float

    def score(self, features: Floats) -> Floats:
        """Return the log-odds of each row."""
        return np.asarray(self.trees.sum_values(features)[:, 0] + self.baseline)

    def score_periods(self, features: Floats, periods: int) -> Floats:
        """Return log-odds of shape (rows, periods); the period is the last feature of the trees."""
        count = len(features)
        inputs = np.column_stack(
            [np.repeat(features, periods, axis=0), np.tile(np.arange(periods), count)]
        )
        return self.score(inputs).reshape(count, periods)


@dataclass(frozen=True, slots=True)
class Risk:
    """The probability of an outcome.

    If it `depends_on_time`, the outcome of an incident depends on the period in which it is
    resolved, and the probability is the mean over the periods. So open incidents count: those that
    take long are known to be many, although their outcomes are not known yet.
    """

    scores: BoostedScores
    depends_on_time: bool

    def probability(self, features: Floats, curves: SurvivalCurves | None) -> Floats:
        """Return the probability of each row, in 0..1; `curves` are the rows' times to resolve."""
        if curves is None or not self.depends_on_time:
            return np.asarray(expit(self.scores.score(features)))
        in_period = curves.period_probabilities()
        by_period = expit(self.scores.score_periods(features, in_period.shape[1]))
        return np.asarray((in_period * by_period).sum(axis=1))


def hazard_curves(hazards: BoostedScores, edges: Floats, features: Floats) -> SurvivalCurves:
    """Return the distributions that follow from the hazards of each period."""
    return SurvivalCurves.of_hazards(edges, hazards.score_periods(features, len(edges)))
