"""Tracks which of several predictors is best now, when the best one may change."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def track_best(losses: Floats, prior: Floats, *, share: float) -> Floats:
    """Return the weights of predictors after all rounds, by their losses in each round.

    `losses` has shape (rounds, predictors): each predictor's log loss, summed over a round.
    `prior` has the weights before the first round, which add up to 1. In each round, a weight is
    multiplied by the exponential of minus the loss. Then all predictors give a `share` of their
    weight to the prior, so that a predictor that was bad for long recovers soon once it is the
    best (fixed share, Herbster and Warmuth 1998). With mixed probabilities, the total loss is not
    much above that of the best sequence of predictors with few changes.

    >>> losses = np.array([[9.0, 0.0], [0.0, 9.0]])
    >>> track_best(losses, np.array([0.5, 0.5]), share=0.1).round(2).tolist()
    [0.95, 0.05]
    """
    weights = prior
    for round_losses in losses:
        weights = weights * np.exp(round_losses.min() - round_losses)
        weights = (1 - share) * weights / weights.sum() + share * prior
    return weights
