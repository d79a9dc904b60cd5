"""Measures label sets on held-out rows: how often they have the correct label, and their size."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from models.classification.conformal_sets import LabelSets
from models.classification.learning.cross_fit import CrossFit
from models.classification.learning.cross_validation import Fold, Rows
from training.evaluation.bootstrap import Floats
from training.evaluation.metrics import HeldOutPredictions

_MIN_CLASS_ROWS = 50


@dataclass(frozen=True, slots=True)
class JudgedSets:
    """Label sets of held-out rows: whether each set has the correct label, and how many labels.

    `labels` are the correct labels. `blocks` says, by number, to which day or group each row
    belongs; the bootstrap resamples whole days or groups.
    """

    labels: Rows
    covered: NDArray[np.bool_]
    sizes: Rows
    blocks: Rows


SetMetric = Callable[[JudgedSets, Floats], float]


def judge_sets(
    sets: LabelSets,
    cross_fit: CrossFit,
    predictions: HeldOutPredictions,
    copies: Rows,
    folds: Sequence[Fold],
) -> JudgedSets | None:
    """Return the sets of each fold's rows, calibrated on the other folds (Vovk 2015).

    This is the cross-conformal method. `predictions` and `copies` (the near-copy groups) have one
    entry for each row of `cross_fit`. Returns None if one fold holds all rows, since no rows are
    left to calibrate on.
    """
    is_in_set = np.zeros(cross_fit.probabilities.shape, dtype=np.bool_)
    for fold in folds:
        is_judged = np.isin(cross_fit.rows, fold.judge)
        if is_judged.all():
            return None
        if is_judged.any():
            calibrated_sets = clone(sets).fit(
                cross_fit.probabilities[~is_judged],
                predictions.labels[~is_judged],
                copies[~is_judged],
            )
            is_in_set[is_judged] = calibrated_sets.transform(
                cross_fit.probabilities[is_judged], predictions.predicted[is_judged]
            )
    return _to_judged_sets(predictions, is_in_set)


def most_frequent_sets(
    shares: Floats, predictions: HeldOutPredictions, coverage: float
) -> JudgedSets:
    """Return the baseline: the sets of the most frequent labels that together reach a coverage.

    `shares`, of shape (rows, classes), are the relative frequencies of the labels.
    """
    order = np.argsort(-shares, axis=1, kind="stable")
    sorted_shares = np.take_along_axis(shares, order, axis=1)
    is_in_set = np.empty(shares.shape, dtype=np.bool_)
    np.put_along_axis(
        is_in_set, order, np.cumsum(sorted_shares, axis=1) - sorted_shares < coverage, axis=1
    )
    return _to_judged_sets(predictions, is_in_set)


def set_metrics(sets: JudgedSets) -> Mapping[str, SetMetric]:
    """Return the metrics of these sets; class coverage only if a class has 50 rows or more."""
    metrics: dict[str, SetMetric] = {"set coverage": set_coverage, "mean set size": mean_set_size}
    if np.bincount(sets.labels).max() >= _MIN_CLASS_ROWS:
        metrics["lowest class coverage"] = lowest_class_coverage
    return metrics


def set_coverage(sets: JudgedSets, weight: Floats) -> float:
    """Return the weighted share of sets that have the correct label."""
    return float((weight * sets.covered).sum() / weight.sum())


def mean_set_size(sets: JudgedSets, weight: Floats) -> float:
    """Return the weighted mean number of labels in a set."""
    return float((weight * sets.sizes).sum() / weight.sum())


def lowest_class_coverage(sets: JudgedSets, weight: Floats) -> float:
    """Return the weighted coverage of the worst-covered class, among those with at least 50 rows.

    This minimum is biased downwards, since a class can have the lowest coverage by chance.
    """
    class_sizes = np.bincount(sets.labels)
    coverages = np.bincount(sets.labels, sets.covered) / np.maximum(class_sizes, 1)
    worst_class = np.where(class_sizes >= _MIN_CLASS_ROWS, coverages, np.inf).argmin()
    class_weight = weight * (sets.labels == worst_class)
    return (
        float((class_weight * sets.covered).sum() / class_weight.sum())
        if class_weight.any()
        else 0.0
    )


def _to_judged_sets(predictions: HeldOutPredictions, is_in_set: NDArray[np.bool_]) -> JudgedSets:
    is_covered = is_in_set[np.arange(len(is_in_set)), predictions.labels]
    return JudgedSets(predictions.labels, is_covered, is_in_set.sum(axis=1), predictions.blocks)
