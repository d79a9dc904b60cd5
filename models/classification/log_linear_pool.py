"""Combines several experts' scores into one calibrated probability for each class."""

from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit, logsumexp, softmax

from models.base.parameters import Parameters
from models.classification.scorers.scorer import Rows

Floats = NDArray[np.float64]

_CERTAIN = 1e-6
_BEND = -0.5
_SHARPNESS = 4.0


class LogLinearPool(Parameters):
    """A log-linear pool (Genest and Zidek 1986): two weights per expert, one bias per class.

    Scores have shape (experts, rows, classes). They need not be log probabilities: the same
    difference of scores may be stronger or weaker evidence between likely classes than between
    unlikely classes. So each expert has one weight for the part of a score below a bend and one
    weight for the part above it; no weight is negative. Weights and biases minimise the log loss of
    held-out scores; they are few, so few rows suffice. With very few rows, penalties keep weights
    near 1, as if `prior_rows` further rows supported this value, and biases near 0, as if
    `prior_rows_of_bias` further rows supported this value. With many rows, the penalty on biases
    stays at `bias_penalty`.
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
        """Learn weights and biases from held-out scores; without rows, all weights are 1."""
        parts = _below_and_above(scores)
        part_numbers = np.arange(len(parts))
        weights, self.biases_ = self._search(parts, labels)
        while (weights < 0).any():
            part_numbers = np.delete(part_numbers, weights.argmin())
            weights, self.biases_ = self._search(parts[part_numbers], labels)
        self.weights_ = np.zeros((2, len(scores)))
        self.weights_.flat[part_numbers] = weights
        return self

    def predict_proba(self, scores: Floats) -> Floats:
        """Return probabilities of shape (rows, classes)."""
        logits = np.tensordot(self.weights_.ravel(), _below_and_above(scores), 1) + self.biases_
        return np.asarray(softmax(logits, axis=1))

    def _search(self, parts: Floats, labels: Rows) -> tuple[Floats, Floats]:
        start = np.concatenate([np.ones(len(parts)), np.zeros(parts.shape[2])])
        # The loss is convex with few parameters: Newton's method takes a tenth of the time of a
        # quasi-Newton method.
        # Imported here because only fitting needs it.
        from scipy.optimize import minimize

        optimum = minimize(
            self._loss,
            start,
            (parts, labels),
            jac=True,
            hess=self._curvature,
            method="trust-exact",
            tol=1e-6,
        )
        return optimum.x[: len(parts)], optimum.x[len(parts) :]

    def _loss(self, parameters: Floats, scores: Floats, labels: Rows) -> tuple[float, Floats]:
        experts, rows, _ = scores.shape
        weights, biases = parameters[:experts], parameters[experts:]
        logits = np.tensordot(weights, scores, 1) + biases
        logits -= logsumexp(logits, axis=1, keepdims=True)
        right_cells = (np.arange(rows), labels)
        weight_penalty, bias_penalty = self._penalties(rows)
        loss = -logits[right_cells].sum() / max(rows, 1)
        loss += weight_penalty / 2 * ((weights - 1) ** 2).sum()
        loss += bias_penalty / 2 * (biases**2).sum()
        slope = np.exp(logits)
        slope[right_cells] -= 1
        slope /= max(rows, 1)
        weight_slopes = np.array([(slope * expert).sum() for expert in scores])
        weight_slopes += weight_penalty * (weights - 1)
        bias_slopes = slope.sum(axis=0) + bias_penalty * biases
        return float(loss), np.concatenate([weight_slopes, bias_slopes])

    def _curvature(self, parameters: Floats, scores: Floats, labels: Rows) -> Floats:  # noqa: ARG002
        """Return the second derivatives of the loss."""
        experts, rows, classes = scores.shape
        logits = np.tensordot(parameters[:experts], scores, 1) + parameters[experts:]
        shares = softmax(logits, axis=1)
        curvature = np.empty((experts + classes,) * 2)
        for place, expert in enumerate(scores):
            excess = (expert - (shares * expert).sum(axis=1, keepdims=True)) * shares
            curvature[place, :experts] = np.tensordot(scores, excess, 2)
            curvature[place, experts:] = curvature[experts:, place] = excess.sum(axis=0)
        curvature[experts:, experts:] = np.diag(shares.sum(axis=0)) - shares.T @ shares
        curvature /= max(rows, 1)
        weight_penalty, bias_penalty = self._penalties(rows)
        curvature[np.diag_indices(experts)] += weight_penalty
        curvature[experts:, experts:] += bias_penalty * np.eye(classes)
        return curvature

    def _penalties(self, rows: int) -> tuple[float, float]:
        """Return the penalties on the squares of (weights - 1) and on the squares of biases."""
        bias_penalty = max(self.bias_penalty, self.prior_rows_of_bias / max(rows, 1))
        return self.prior_rows / max(rows, 1), bias_penalty


def _below_and_above(scores: Floats) -> Floats:
    """Split each score into two parts that add up to it.

    Below the bend, mainly the first part changes with the score; above the bend, mainly the second
    part. The result has shape (2 * experts, rows, classes). The bend is smooth, so that a small
    change of a score causes only a small change of the probabilities.
    """
    below = log_expit(_SHARPNESS * (scores - _BEND)) / _SHARPNESS
    return np.concatenate([below, scores - below])


class TopCalibration(Parameters):
    """Beta calibration (Kull, Silva Filho and Flach 2017) of the likeliest class's probability.

    The other classes share the remaining probability in their previous proportions. If one of them
    would become the likeliest class, the proportions are made more equal, no further than needed to
    prevent this. The calibration learns as if there were `prior_rows` further rows with perfectly
    calibrated confidences, so that few rows change the confidences only a little.
    """

    def __init__(self, *, prior_rows: float = 20.0) -> None:
        self.prior_rows = prior_rows

    curve_: Floats | None

    def fit(self, probabilities: Floats, labels: Rows) -> Self:
        """Learn from held-out probabilities of shape (rows, classes)."""
        right = (probabilities.argmax(axis=1) == labels).astype(np.int64)
        self.curve_ = None
        if 0 < right.sum() < len(right):
            curve = self._learn_curve(probabilities, right)
            # With too few rows the curve may fall, and would turn high confidences into low ones.
            self.curve_ = curve if (curve[:2] >= 0).all() else None
        return self

    def _learn_curve(self, probabilities: Floats, right: Rows) -> Floats:
        """Return both slopes and the intercept of the log-odds of being right."""
        # Imported here because only fitting needs it.
        from sklearn.linear_model import LogisticRegression

        rows, confidence = len(right), probabilities.max(axis=1)
        outcomes = np.repeat([0, 1], rows)
        weights = np.concatenate([1 - right, right]).astype(np.float64)
        weights += self.prior_rows / rows * np.concatenate([1 - confidence, confidence])
        parts = np.tile(_log_odds_parts(probabilities), (2, 1))
        curve = LogisticRegression(C=1e4).fit(parts, outcomes, sample_weight=weights)
        return np.append(curve.coef_[0], curve.intercept_)

    def transform(self, probabilities: Floats) -> Floats:
        """Return calibrated probabilities of the same shape."""
        if self.curve_ is None:
            return probabilities
        log_odds = _log_odds_parts(probabilities) @ self.curve_[:2] + self.curve_[2]
        return _with_top(probabilities, np.asarray(expit(log_odds)))


def _with_top(probabilities: Floats, confidence: Floats) -> Floats:
    """Set the confidence of each row's likeliest class, which remains the likeliest class."""
    rows, classes = np.arange(len(probabilities)), probabilities.shape[1]
    top = probabilities.argmax(axis=1)
    highest = np.maximum(confidence, (1 + 2 * _CERTAIN) / classes)
    others = probabilities.copy()
    others[rows, top] = 0
    total = others.sum(axis=1)
    even = 1 / (classes - 1)
    others = np.where(total[:, None] > 0, others / np.where(total > 0, total, 1)[:, None], even)
    second = others.max(axis=1)
    limit = highest * (1 - _CERTAIN) / np.maximum(1 - highest, _CERTAIN)
    excess = np.maximum(second - limit, 0)
    others += (excess / np.where(excess > 0, second - even, 1))[:, None] * (even - others)
    adjusted = others * (1 - highest)[:, None]
    adjusted[rows, top] = highest
    return np.asarray(adjusted)


def _log_odds_parts(probabilities: Floats) -> Floats:
    top = np.clip(probabilities.max(axis=1), _CERTAIN, 1 - _CERTAIN)
    return np.column_stack([np.log(top), -np.log(1 - top)])
