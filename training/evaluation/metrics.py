"""Metrics of held-out predictions, with 95% intervals that resample groups or days, not rows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np

from models.base.estimate import Estimate
from models.classification.scorers.scorer import Rows
from training.evaluation.bootstrap import Floats, bootstrap

CONFIDENCE_BINS = 10
_MIN_ACCURACY = 0.92


@dataclass(frozen=True, slots=True)
class HeldOutPredictions:
    """Predictions on rows that the predicting model was not fitted on.

    `labels` and `predicted` have the number of each row's class, below `classes`. `confidence` is
    the probability of the predicted class, and `log_loss` the loss of each row in nats. `blocks`
    says, by number, to which day or group each row belongs; the bootstrap resamples whole days or
    groups.
    """

    labels: Rows
    predicted: Rows
    confidence: Floats
    log_loss: Floats
    blocks: Rows
    classes: int


def take_rows(predictions: HeldOutPredictions, rows: Rows) -> HeldOutPredictions:
    """Return the predictions of these rows only."""
    return replace(
        predictions,
        labels=predictions.labels[rows],
        predicted=predictions.predicted[rows],
        confidence=predictions.confidence[rows],
        log_loss=predictions.log_loss[rows],
        blocks=predictions.blocks[rows],
    )


Metric = Callable[[HeldOutPredictions, Floats], float]


def accuracy(predictions: HeldOutPredictions, weight: Floats) -> float:
    """Return the weighted share of rows that are predicted correctly."""
    return float(weight[predictions.labels == predictions.predicted].sum() / weight.sum())


def macro_f1(predictions: HeldOutPredictions, weight: Floats) -> float:
    """Return the mean F1 over the classes that occur among labels or predictions."""
    is_right = predictions.labels == predictions.predicted
    right_counts = np.bincount(predictions.labels[is_right], weight[is_right], predictions.classes)
    occurrences = np.bincount(predictions.labels, weight, predictions.classes)
    occurrences += np.bincount(predictions.predicted, weight, predictions.classes)
    return float(np.mean(2 * right_counts[occurrences > 0] / occurrences[occurrences > 0]))


def quadratic_kappa(predictions: HeldOutPredictions, weight: Floats) -> float:
    """Return Cohen's kappa with quadratic weights (Cohen 1968); 0 with one class only."""
    cost = weight @ (predictions.labels - predictions.predicted) ** 2.0
    columns = (predictions.labels, predictions.predicted)
    counts = np.array(
        [np.bincount(column, weight, predictions.classes) for column in columns], np.float64
    )
    return float(kappa_of_counts(np.array([cost]), counts[:1], counts[1:])[0])


def kappa_of_counts(cost: Floats, labels: Floats, predicted: Floats) -> Floats:
    """Return the quadratic kappa of each sample.

    `cost` is each sample's sum of the squared differences between label and prediction. `labels`
    and `predicted` are counts of classes, of shape (samples, classes).

    >>> kappa_of_counts(np.array([0.0]), np.array([[2.0, 2.0]]), np.array([[2.0, 2.0]])).tolist()
    [1.0]
    """
    ranks = np.arange(labels.shape[1])
    chance_cost = np.einsum("ri,ij,rj->r", labels, (ranks[:, None] - ranks) ** 2, predicted)
    chance_cost /= labels.sum(axis=1)
    return np.where(chance_cost > 0, 1 - cost / np.where(chance_cost > 0, chance_cost, 1), 0.0)


def expected_calibration_error(predictions: HeldOutPredictions, weight: Floats) -> float:
    """Return the mean absolute gap between confidence and accuracy (Naeini et al. 2015).

    The mean is over ten confidence bins of equal width, weighted by the rows in each bin.
    """
    bins = confidence_bins(predictions.confidence)
    gap = weight * (predictions.confidence - (predictions.labels == predictions.predicted))
    return float(np.abs(np.bincount(bins, gap, CONFIDENCE_BINS)).sum() / weight.sum())


def confidence_bins(confidence: Floats) -> Rows:
    """Return the bin number, 0 to 9, of each confidence in 0..1; bins have equal width.

    >>> confidence_bins(np.array([0.0, 0.59, 0.6, 1.0])).tolist()
    [0, 5, 6, 9]
    """
    return np.minimum((confidence * CONFIDENCE_BINS).astype(np.int64), CONFIDENCE_BINS - 1)


def coverage_at_wanted_accuracy(predictions: HeldOutPredictions, weight: Floats) -> float:
    """Return the largest share of rows that can be answered with an accuracy of at least 92%.

    The most confident rows are answered first. The share is 0 if 92% is never reached.
    """
    order = np.argsort(-predictions.confidence, kind="stable")
    answered_weight = np.cumsum(weight[order])
    right_weight = np.cumsum(weight[order] * (predictions.labels == predictions.predicted)[order])
    sufficient = np.flatnonzero(right_weight >= _MIN_ACCURACY * answered_weight)
    return float(answered_weight[sufficient[-1]] / answered_weight[-1]) if len(sufficient) else 0.0


def log_loss(predictions: HeldOutPredictions, weight: Floats) -> float:
    """Return the mean negative log likelihood of the correct label, in nats."""
    return float((weight * predictions.log_loss).sum() / weight.sum())


CHOICE_METRICS: dict[str, Metric] = {
    "accuracy": accuracy,
    "macro_f1": macro_f1,
    "log_loss": log_loss,
    "ece": expected_calibration_error,
    "coverage_at_92": coverage_at_wanted_accuracy,
}
SEVERITY_METRICS: dict[str, Metric] = {"quadratic_kappa": quadratic_kappa, **CHOICE_METRICS}


class HasBlocks(Protocol):
    """Held-out rows with their blocks: the days or groups to resample."""

    @property
    def blocks(self) -> Rows:
        """The number of each row's day or group."""


AnyPredictions = TypeVar("AnyPredictions", bound=HasBlocks)


def measure(
    metric: Callable[[AnyPredictions, Floats], float], predictions: AnyPredictions, *, seed: int = 0
) -> Estimate:
    """Return a metric with its 95% interval by the bootstrap over blocks (Efron 1979)."""
    return bootstrap(lambda weight: metric(predictions, weight), predictions.blocks, seed=seed)


def compare(
    metric: Metric, ours: HeldOutPredictions, theirs: HeldOutPredictions, *, seed: int = 0
) -> Estimate:
    """Return the metric of `ours` minus that of `theirs` on the same rows, with a 95% interval."""
    return bootstrap(
        lambda weight: metric(ours, weight) - metric(theirs, weight), ours.blocks, seed=seed
    )
