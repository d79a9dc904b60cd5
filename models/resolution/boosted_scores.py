"""The scores of boosted trees with one output, and risks that follow from them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

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


@dataclass(frozen=True, slots=True)
class Risk:
    """The calibrated probability of an outcome.

    `slope` and `intercept` turn the scores' log-odds into calibrated ones (Platt 1999).
    """

    scores: BoostedScores
    slope: float = 1.0
    intercept: float = 0.0

    def probability(self, features: Floats) -> Floats:
        """Return the probability of each row, in 0..1."""
        return np.asarray(expit(self.slope * self.scores.score(features) + self.intercept))
