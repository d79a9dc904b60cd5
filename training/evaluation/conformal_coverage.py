"""How often sets of labels hold the right one, and how large they are, on held-out rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from models.classification.conformal_sets import LabelSets
from models.classification.cross_validation import Fold, Rows
from models.classification.expert_pool import CrossFit
from training.evaluation.bootstrap import Floats
from training.evaluation.metrics import HeldOutPredictions

_FEWEST_OF_A_CLASS = 50


@dataclass(frozen=True, slots=True)
class JudgedSets:
    """Sets of labels of held-out rows: whether each holds the right label, and how many labels.

    `blocks` numbers the day or group by which intervals are resampled.
    """

    labels: Rows
    covered: NDArray[np.bool_]
    sizes: Rows
    blocks: Rows


SetMetric = Callable[[JudgedSets, Floats], float]


def judge_sets(
    sets: LabelSets,
    found: CrossFit,
    judged: HeldOutPredictions,
    copies: Rows,
    folds: Sequence[Fold],
) -> JudgedSets | None:
    """Judge each fold by sets that were calibrated on the others (Vovk 2015, cross-conformal).

    `judged` and `copies`, the near-copy groups, belong to the rows of `found`. Returns None where
    one fold holds them all, so that none is left to calibrate on.
    """
    held = np.zeros(found.probabilities.shape, dtype=np.bool_)
    for fold in folds:
        here = np.isin(found.rows, fold.judge)
        if here.all():
            return None
        if here.any():
            others = found.probabilities[~here], judged.labels[~here], copies[~here]
            calibrated = clone(sets).fit(*others)
            held[here] = calibrated.transform(found.probabilities[here], judged.predicted[here])
    return _sets_of(judged, held)


def most_frequent_sets(shares: Floats, judged: HeldOutPredictions, coverage: float) -> JudgedSets:
    """Judge the sets of the most frequent labels that together reach a coverage.

    `shares` has shape (rows, classes).
    """
    order = np.argsort(-shares, axis=1, kind="stable")
    falling = np.take_along_axis(shares, order, axis=1)
    held = np.empty(shares.shape, dtype=np.bool_)
    np.put_along_axis(held, order, np.cumsum(falling, axis=1) - falling < coverage, axis=1)
    return _sets_of(judged, held)


def set_metrics(judged: JudgedSets) -> Mapping[str, SetMetric]:
    """Return the figures of merit of these sets; classes are compared where one has 50 rows."""
    figures: dict[str, SetMetric] = {"set coverage": set_coverage, "mean set size": mean_set_size}
    if np.bincount(judged.labels).max() >= _FEWEST_OF_A_CLASS:
        figures["lowest class coverage"] = lowest_class_coverage
    return figures


def set_coverage(judged: JudgedSets, weight: Floats) -> float:
    """Return the weighted share of sets that hold the right label."""
    return float((weight * judged.covered).sum() / weight.sum())


def mean_set_size(judged: JudgedSets, weight: Floats) -> float:
    """Return the weighted mean number of labels in a set."""
    return float((weight * judged.sizes).sum() / weight.sum())


def lowest_class_coverage(judged: JudgedSets, weight: Floats) -> float:
    """Return the weighted coverage of the class that is covered worst of those with 50 rows.

    The worst is so by chance too, and therefore the figure errs on the low side.
    """
    sizes = np.bincount(judged.labels)
    share = np.bincount(judged.labels, judged.covered) / np.maximum(sizes, 1)
    worst = np.where(sizes >= _FEWEST_OF_A_CLASS, share, np.inf).argmin()
    here = weight * (judged.labels == worst)
    return float((here * judged.covered).sum() / here.sum()) if here.any() else 0.0


def _sets_of(judged: HeldOutPredictions, held: NDArray[np.bool_]) -> JudgedSets:
    right = held[np.arange(len(held)), judged.labels]
    return JudgedSets(judged.labels, right, held.sum(axis=1), judged.blocks)
