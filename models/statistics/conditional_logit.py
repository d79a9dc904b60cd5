"""Logistic models whose weights have a Gaussian prior around known values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_Loss = Callable[[Floats], tuple[float, Floats]]


@dataclass(frozen=True, slots=True)
class Ranking:
    """The candidates of one query, and which candidates are correct.

    `features` has shape (candidates, features). `is_right` marks the correct candidates; there is
    at least one. `weight` is the weight of the query in the loss.
    """

    features: Floats
    is_right: Flags
    weight: float = 1.0


def fit_conditional_logit(rankings: Sequence[Ranking], prior: Floats, spread: Floats) -> Floats:
    """Return the likeliest weights under a Gaussian prior (McFadden 1974, maximum a posteriori).

    The likelihood of a query is the probability that one of its correct candidates is chosen. The
    prior has the mean `prior` and the standard deviation `spread`; without rankings, `prior` is
    returned.

    >>> fit_conditional_logit([], np.array([2.0]), np.array([1.0])).tolist()
    [2.0]
    """
    if not rankings:
        return prior
    features = np.vstack([ranking.features for ranking in rankings])
    is_right = np.concatenate([ranking.is_right for ranking in rankings])
    lengths = np.array([len(ranking.features) for ranking in rankings])
    starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    query_weights = np.array([ranking.weight for ranking in rankings])

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = features @ weights
        total, shares = _log_sums(scores, starts, lengths)
        right_total, right_shares = _log_sums(np.where(is_right, scores, -np.inf), starts, lengths)
        slopes = features.T @ (np.repeat(query_weights, lengths) * (shares - right_shares))
        return float(query_weights @ (total - right_total)), slopes

    return _minimise_with_prior(loss, prior, spread)


def fit_logit(
    evidence: Floats, right: Flags, prior: Floats, spread: Floats, counts: Floats | None = None
) -> Floats:
    """Return the weights of a logistic regression under a Gaussian prior (maximum a posteriori).

    `evidence` has shape (examples, weights), `right` holds the outcomes, and `counts` holds each
    example's weight in the loss, by default 1. Without examples, `prior` is returned.

    >>> no_examples = np.ones(0, dtype=np.bool_)
    >>> fit_logit(np.ones((0, 1)), no_examples, np.array([2.0]), np.array([1.0])).tolist()
    [2.0]
    """
    if not len(right):
        return prior
    signs = np.where(right, 1.0, -1.0)
    counts = np.ones(len(right)) if counts is None else counts

    def loss(weights: Floats) -> tuple[float, Floats]:
        margins = signs * (evidence @ weights)
        slopes = -evidence.T @ (counts * signs * expit(-margins))
        return float(counts @ np.logaddexp(0, -margins)), slopes

    return _minimise_with_prior(loss, prior, spread)


def _minimise_with_prior(loss: _Loss, prior: Floats, spread: Floats) -> Floats:
    def with_prior(weights: Floats) -> tuple[float, Floats]:
        value, slopes = loss(weights)
        deviations = (weights - prior) / spread
        return value + float(deviations @ deviations / 2), slopes + deviations / spread

    # Imported here because only fitting needs it.
    from scipy.optimize import minimize

    return np.asarray(minimize(with_prior, prior, jac=True, method="L-BFGS-B").x, dtype=np.float64)


def _log_sums(
    scores: Floats, starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Return the log of each segment's sum of exponentials, and each row's share of that sum."""
    largest = np.maximum.reduceat(scores, starts)
    powers = np.exp(scores - np.repeat(largest, lengths))
    sums = np.add.reduceat(powers, starts)
    return largest + np.log(sums), powers / np.repeat(sums, lengths)
