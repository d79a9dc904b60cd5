"""Figures of merit with 95% intervals that resample groups or days, not rows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np

from models.base.estimate import Estimate
from models.classification.cross_validation import Rows
from training.evaluation.bootstrap import Floats, bootstrap

CONFIDENCE_BINS = 10
_WANTED_ACCURACY = 0.92


@dataclass(frozen=True, slots=True)
class HeldOutPredictions:
    """Predictions on rows that were not fitted on.

    `labels` and `predicted` number the classes, `confidence` is that of the predicted class,
    `log_loss` is in nats, `blocks` numbers the day or group by which intervals are resampled.
    """

    labels: Rows
    predicted: Rows
    confidence: Floats
    log_loss: Floats
    blocks: Rows
    classes: int


def take_rows(judged: HeldOutPredictions, rows: Rows) -> HeldOutPredictions:
    """Return the judgement of these rows only."""
    return replace(
        judged,
        labels=judged.labels[rows],
        predicted=judged.predicted[rows],
        confidence=judged.confidence[rows],
        log_loss=judged.log_loss[rows],
        blocks=judged.blocks[rows],
    )


Metric = Callable[[HeldOutPredictions, Floats], float]


def accuracy(judged: HeldOutPredictions, weight: Floats) -> float:
    """Return the weighted share of right labels."""
    return float(weight[judged.labels == judged.predicted].sum() / weight.sum())


def macro_f1(judged: HeldOutPredictions, weight: Floats) -> float:
    """Return the mean F1 over the classes that occur among labels or predictions."""
    right = judged.labels == judged.predicted
    hits = np.bincount(judged.labels[right], weight[right], judged.classes)
    sizes = np.bincount(judged.labels, weight, judged.classes)
    sizes += np.bincount(judged.predicted, weight, judged.classes)
    return float(np.mean(2 * hits[sizes > 0] / sizes[sizes > 0]))


def quadratic_kappa(judged: HeldOutPredictions, weight: Floats) -> float:
    """Return Cohen's kappa with quadratic weights (Cohen 1968); 0 when there is one class."""
    cost = weight @ (judged.labels - judged.predicted) ** 2.0
    sides = (judged.labels, judged.predicted)
    counts = np.array([np.bincount(side, weight, judged.classes) for side in sides], np.float64)
    return float(kappa_of_counts(np.array([cost]), counts[:1], counts[1:])[0])


def kappa_of_counts(cost: Floats, labels: Floats, predicted: Floats) -> Floats:
    """Return quadratic kappas of samples from their summed `cost` and counts of each class.

    >>> kappa_of_counts(np.array([0.0]), np.array([[2.0, 2.0]]), np.array([[2.0, 2.0]])).tolist()
    [1.0]
    """
    ranks = np.arange(labels.shape[1])
    by_chance = np.einsum("ri,ij,rj->r", labels, (ranks[:, None] - ranks) ** 2, predicted)
    by_chance /= labels.sum(axis=1)
    return np.where(by_chance > 0, 1 - cost / np.where(by_chance > 0, by_chance, 1), 0.0)


def expected_calibration_error(judged: HeldOutPredictions, weight: Floats) -> float:
    """Return the mean gap of confidence and accuracy over ten equal-width bins (Naeini 2015)."""
    bins = confidence_bins(judged.confidence)
    gap = weight * (judged.confidence - (judged.labels == judged.predicted))
    return float(np.abs(np.bincount(bins, gap, CONFIDENCE_BINS)).sum() / weight.sum())


def confidence_bins(confidence: Floats) -> Rows:
    """Return the number of the equal-width bin that each confidence in 0..1 falls into.

    >>> confidence_bins(np.array([0.0, 0.59, 0.6, 1.0])).tolist()
    [0, 5, 6, 9]
    """
    return np.minimum((confidence * CONFIDENCE_BINS).astype(np.int64), CONFIDENCE_BINS - 1)


def coverage_at_wanted_accuracy(judged: HeldOutPredictions, weight: Floats) -> float:
    """Return the largest share, by falling confidence, that is right in 92 of 100 cases."""
    order = np.argsort(-judged.confidence, kind="stable")
    seen = np.cumsum(weight[order])
    right = np.cumsum(weight[order] * (judged.labels == judged.predicted)[order])
    good = np.flatnonzero(right >= _WANTED_ACCURACY * seen)
    return float(seen[good[-1]] / seen[-1]) if len(good) else 0.0


def log_loss(judged: HeldOutPredictions, weight: Floats) -> float:
    """Return the mean negative log likelihood of the right label, in nats."""
    return float((weight * judged.log_loss).sum() / weight.sum())


CHOICE_METRICS: dict[str, Metric] = {
    "accuracy": accuracy,
    "macro_f1": macro_f1,
    "log_loss": log_loss,
    "ece": expected_calibration_error,
    "coverage_at_92": coverage_at_wanted_accuracy,
}
SEVERITY_METRICS: dict[str, Metric] = {"quadratic_kappa": quadratic_kappa, **CHOICE_METRICS}


class InBlocks(Protocol):
    """Held-out rows that know the day or group by which intervals are resampled."""

    @property
    def blocks(self) -> Rows:
        """The number of each row's day or group."""


AnyJudged = TypeVar("AnyJudged", bound=InBlocks)


def measure(
    metric: Callable[[AnyJudged, Floats], float], judged: AnyJudged, *, seed: int = 0
) -> Estimate:
    """Return a metric with its interval by the bootstrap over blocks (Efron 1979)."""
    return bootstrap(lambda weight: metric(judged, weight), judged.blocks, seed=seed)


def compare(
    metric: Metric, ours: HeldOutPredictions, theirs: HeldOutPredictions, *, seed: int = 0
) -> Estimate:
    """Return our metric less theirs on the same rows, with its paired interval."""
    return bootstrap(
        lambda weight: metric(ours, weight) - metric(theirs, weight), ours.blocks, seed=seed
    )
