"""Logits that start from known weights and move as examples come."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ranking:
    """The candidates of a query as features of shape (candidates, features), and the right one."""

    features: Floats
    right: int


def fit_conditional_logit(rankings: Sequence[Ranking], prior: Floats, spread: Floats) -> Floats:
    """Return the likeliest weights under a Gaussian prior (McFadden 1974, maximum a posteriori).

    `prior` is where weights start from and stay without rankings, `spread` their standard
    deviation about it.

    >>> fit_conditional_logit([], np.array([2.0]), np.array([1.0])).tolist()
    [2.0]
    """
    if not rankings:
        return prior

    def loss(weights: Floats) -> tuple[float, Floats]:
        away = (weights - prior) / spread
        value, slope = float(away @ away) / 2, away / spread
        for ranking in rankings:
            scores = ranking.features @ weights
            scores -= scores.max()
            shares = np.exp(scores)
            total = float(shares.sum())
            value -= float(scores[ranking.right]) - float(np.log(total))
            slope = slope + shares @ ranking.features / total - ranking.features[ranking.right]
        return value, slope

    return np.asarray(minimize(loss, prior, jac=True, method="L-BFGS-B").x, dtype=np.float64)


def fit_logit(evidence: Floats, right: Floats, prior: Floats, spread: Floats) -> Floats:
    """Return the weights of a logistic regression under a Gaussian prior (maximum a posteriori).

    `evidence` has shape (examples, weights), `right` holds 1 or 0 per example.

    >>> fit_logit(np.ones((0, 1)), np.ones(0), np.array([2.0]), np.array([1.0])).tolist()
    [2.0]
    """

    def loss(weights: Floats) -> tuple[float, Floats]:
        away = (weights - prior) / spread
        log_odds = evidence @ weights
        value = float(away @ away) / 2 + float(np.logaddexp(0, log_odds).sum() - right @ log_odds)
        return value, away / spread + (expit(log_odds) - right) @ evidence

    if not len(right):
        return prior
    return np.asarray(minimize(loss, prior, jac=True, method="L-BFGS-B").x, dtype=np.float64)
