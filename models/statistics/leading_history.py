"""Weighs predictors that began at different times, when the best beginning may change."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LEAST_WEIGHT = 1e-300


def follow_leading_history(losses: Floats, *, first: float, newcomers: float) -> Floats:
    """Return the weights of predictors after all rounds, by their losses in each round.

    `losses` has shape (rounds, predictors): each predictor's log loss, summed over a round, NaN in
    a round in which it does not take part. The predictors of the first round begin with the weight
    `first` for predictor 0 and equal weights for the others. In each later round, the predictors
    that take part for the first time get the share `newcomers` of all weight. Then each weight is
    multiplied by the exponential of minus the loss. A predictor that no longer takes part has the
    weight 0. If each predictor learns from what followed its beginning, the total loss is not much
    above that of the one that began at the last change (follow the leading history, Hazan and
    Seshadhri 2009).

    >>> losses = np.array([[1.0, 1.0, np.nan], [9.0, 5.0, 1.0]])
    >>> follow_leading_history(losses, first=0.5, newcomers=0.2).round(2).tolist()
    [0.0, 0.04, 0.96]
    """
    weights = np.zeros(losses.shape[1])
    has_begun = np.zeros(losses.shape[1], dtype=np.bool_)
    for round_losses in losses:
        takes_part = np.isfinite(round_losses)
        weights = _admit(weights, takes_part & ~has_begun, first, newcomers)
        has_begun |= takes_part
        likelihoods = np.exp(np.nanmin(round_losses) - round_losses)
        # Without a least weight, a predictor that was bad for long could never return.
        weights = np.where(takes_part, np.maximum(weights * likelihoods, _LEAST_WEIGHT), 0.0)
        weights /= weights.sum()
    return weights


def _admit(weights: Floats, new: NDArray[np.bool_], first: float, newcomers: float) -> Floats:
    if not new.any():
        return weights
    if not weights.any():
        begin = np.where(new, 1.0, 0.0)
        others = begin[1:].sum()
        begin[1:] *= (1 - first) / max(others, 1.0)
        begin[0] = first if others else 1.0
        return begin
    return np.where(new, newcomers / new.sum(), (1 - newcomers) * weights)
