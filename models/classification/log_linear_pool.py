"""Several experts' scores combined into one calibrated probability for each class."""

from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_expit, logsumexp, softmax
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression

from models.classification.cross_validation import Rows

Floats = NDArray[np.float64]

_CERTAIN = 1e-6
_BEND = -0.5
_SHARPNESS = 4.0


class LogLinearPool(BaseEstimator):  # type: ignore[misc]
    """A log-linear pool of experts (Genest and Zidek 1986): two weights each, a bias per class.

    Scores have shape (experts, rows, classes). Not all of them are log probabilities, and a
    margin's gap between two likely classes may say more or less than the same gap between two
    unlikely ones; so an expert has one weight below a bend and one above, never negative. Weights
    and biases minimise the log loss of scores that the experts gave to rows they were not fitted
    on; few numbers, so few rows suffice. Where rows are few indeed, weights stay near 1 and biases
    near 0: they are drawn there as if by so many rows, `prior_rows` and `prior_rows_of_bias`.
    """

    def __init__(
        self,
        *,
        bias_penalty: float = 1e-2,
        prior_rows: float = 1.0,
        prior_rows_of_bias: float = 5.0,
    ) -> None:
        self.bias_penalty = bias_penalty
        self.prior_rows = prior_rows
        self.prior_rows_of_bias = prior_rows_of_bias

    def fit(self, scores: Floats, labels: Rows) -> Self:
        """Learn weights and biases from held-out scores; without any, experts count alike."""
        parts = _below_and_above(scores)
        used = np.arange(len(parts))
        weights, self.biases_ = self._search(parts, labels)
        while (weights < 0).any():
            used = np.delete(used, weights.argmin())
            weights, self.biases_ = self._search(parts[used], labels)
        self.weights_ = np.zeros((2, len(scores)))
        self.weights_.flat[used] = weights
        return self

    def predict_proba(self, scores: Floats) -> Floats:
        """Return probabilities of shape (rows, classes)."""
        logits = np.tensordot(self.weights_.ravel(), _below_and_above(scores), 1) + self.biases_
        return np.asarray(softmax(logits, axis=1))

    def _search(self, parts: Floats, labels: Rows) -> tuple[Floats, Floats]:
        start = np.concatenate([np.ones(len(parts)), np.zeros(parts.shape[2])])
        given = (parts, labels)
        # The loss is convex in few numbers: Newton takes a tenth of a quasi-Newton search's time.
        found = minimize(
            self._loss, start, given, jac=True, hess=self._curvature, method="trust-exact", tol=1e-6
        )
        return found.x[: len(parts)], found.x[len(parts) :]

    def _loss(self, numbers: Floats, scores: Floats, labels: Rows) -> tuple[float, Floats]:
        experts, rows, _ = scores.shape
        weights, biases = numbers[:experts], numbers[experts:]
        logits = np.tensordot(weights, scores, 1) + biases
        logits -= logsumexp(logits, axis=1, keepdims=True)
        right = (np.arange(rows), labels)
        of_weights, of_biases = self._penalties(rows)
        loss = -logits[right].sum() / max(rows, 1)
        loss += of_weights / 2 * ((weights - 1) ** 2).sum() + of_biases / 2 * (biases**2).sum()
        slope = np.exp(logits)
        slope[right] -= 1
        slope /= max(rows, 1)
        for_weights = np.array([(slope * expert).sum() for expert in scores])
        for_weights += of_weights * (weights - 1)
        for_biases = slope.sum(axis=0) + of_biases * biases
        return float(loss), np.concatenate([for_weights, for_biases])

    def _curvature(self, numbers: Floats, scores: Floats, labels: Rows) -> Floats:  # noqa: ARG002
        """Return the second derivatives of the loss."""
        experts, rows, classes = scores.shape
        shares = softmax(np.tensordot(numbers[:experts], scores, 1) + numbers[experts:], axis=1)
        curvature = np.empty((experts + classes,) * 2)
        for place, expert in enumerate(scores):
            excess = (expert - (shares * expert).sum(axis=1, keepdims=True)) * shares
            curvature[place, :experts] = np.tensordot(scores, excess, 2)
            curvature[place, experts:] = curvature[experts:, place] = excess.sum(axis=0)
        curvature[experts:, experts:] = np.diag(shares.sum(axis=0)) - shares.T @ shares
        curvature /= max(rows, 1)
        of_weights, of_biases = self._penalties(rows)
        curvature[np.diag_indices(experts)] += of_weights
        curvature[experts:, experts:] += of_biases * np.eye(classes)
        return curvature

    def _penalties(self, rows: int) -> tuple[float, float]:
        """Return the penalties of squared weights, less 1, and of squared biases."""
        by_rows = self.prior_rows_of_bias / max(rows, 1)
        return self.prior_rows / max(rows, 1), max(self.bias_penalty, by_rows)


def _below_and_above(scores: Floats) -> Floats:
    """Return two parts that add up to each score: the first rises below the bend, then the other.

    The result has shape (2 * experts, rows, classes). The bend is smooth, so that no answer jumps.
    """
    below = log_expit(_SHARPNESS * (scores - _BEND)) / _SHARPNESS
    return np.concatenate([below, scores - below])


class TopCalibration(BaseEstimator):  # type: ignore[misc]
    """Beta calibration (Kull, Silva Filho and Flach 2017) of the likeliest class's probability.

    The other classes share the rest in their old proportions, evened out as far as it takes for
    the likeliest to stay so. It learns as if `prior_rows` more answers had been right exactly as
    often as they were sure, so that a few answers change little.
    """

    def __init__(self, *, prior_rows: float = 20.0) -> None:
        self.prior_rows = prior_rows

    def fit(self, probabilities: Floats, labels: Rows) -> Self:
        """Learn from held-out probabilities of shape (rows, classes)."""
        right = (probabilities.argmax(axis=1) == labels).astype(np.int64)
        self.curve_ = None
        if 0 < right.sum() < len(right):
            curve = self._learn_curve(probabilities, right)
            # A falling curve would make the surer answer the less sure: too few rows to calibrate.
            self.curve_ = curve if (curve.coef_ >= 0).all() else None
        return self

    def _learn_curve(self, probabilities: Floats, right: Rows) -> LogisticRegression:
        rows, sure = len(right), probabilities.max(axis=1)
        outcomes = np.repeat([0, 1], rows)
        weights = np.concatenate([1 - right, right]).astype(np.float64)
        weights += self.prior_rows / rows * np.concatenate([1 - sure, sure])
        parts = np.tile(_log_odds_parts(probabilities), (2, 1))
        return LogisticRegression(C=1e4).fit(parts, outcomes, sample_weight=weights)

    def transform(self, probabilities: Floats) -> Floats:
        """Return calibrated probabilities of the same shape."""
        if self.curve_ is None:
            return probabilities
        right = self.curve_.predict_proba(_log_odds_parts(probabilities))[:, 1]
        return _with_top(probabilities, right)


def _with_top(probabilities: Floats, wanted: Floats) -> Floats:
    """Give the likeliest class of each row this probability, but never less than to another."""
    rows, classes = np.arange(len(probabilities)), probabilities.shape[1]
    top = probabilities.argmax(axis=1)
    highest = np.maximum(wanted, (1 + 2 * _CERTAIN) / classes)
    others = probabilities.copy()
    others[rows, top] = 0
    rest = others.sum(axis=1)
    even = 1 / (classes - 1)
    others = np.where(rest[:, None] > 0, others / np.where(rest > 0, rest, 1)[:, None], even)
    second = others.max(axis=1)
    room = highest * (1 - _CERTAIN) / np.maximum(1 - highest, _CERTAIN)
    excess = np.maximum(second - room, 0)
    others += (excess / np.where(excess > 0, second - even, 1))[:, None] * (even - others)
    adjusted = others * (1 - highest)[:, None]
    adjusted[rows, top] = highest
    return np.asarray(adjusted)


def _log_odds_parts(probabilities: Floats) -> Floats:
    top = np.clip(probabilities.max(axis=1), _CERTAIN, 1 - _CERTAIN)
    return np.column_stack([np.log(top), -np.log(1 - top)])
