"""Coverage and size of sets, judged fold by fold."""

import numpy as np
import pytest

from models.classification.conformal_sets import LabelSets
from models.classification.learning.cross_fit import CrossFit
from models.classification.learning.cross_validation import Fold
from training.evaluation.conformal_coverage import (
    JudgedSets,
    judge_sets,
    lowest_class_coverage,
    mean_set_size,
    most_frequent_sets,
    set_coverage,
    set_metrics,
)
from training.evaluation.metrics import HeldOutPredictions


def judged_by(probabilities: np.ndarray, labels: np.ndarray) -> HeldOutPredictions:
    predicted = probabilities.argmax(axis=1)
    rows = np.arange(len(labels))
    return HeldOutPredictions(
        labels, predicted, probabilities.max(axis=1), rows, rows, probabilities.shape[1]
    )


def test_sets_of_a_fold_are_calibrated_on_the_others() -> None:
    """The model is right in fold one and wrong in fold two, which only the other fold can tell."""
    labels = np.zeros(40, dtype=np.int64)
    first, second = np.arange(20), np.arange(20, 40)
    probabilities = np.array([[0.6, 0.4]] * 20 + [[0.3, 0.7]] * 20)
    folds = (Fold(second, first), Fold(first, second))
    order = np.random.default_rng(0).permutation(40)
    cross_fit = CrossFit(order, probabilities[order])
    judged = judged_by(cross_fit.probabilities, labels[order])
    sets = judge_sets(LabelSets(), cross_fit, judged, order, folds)
    np.testing.assert_array_equal(sets.covered, order < 20)
    np.testing.assert_array_equal(sets.sizes, np.where(order < 20, 2, 1))
    assert set_coverage(sets, np.ones(40)) == 0.5
    assert mean_set_size(sets, np.ones(40)) == 1.5
    assert mean_set_size(sets, np.where(order < 20, 1.0, 3.0)) == 1.25


def test_one_fold_has_nothing_to_calibrate_on() -> None:
    cross_fit = CrossFit(np.arange(4), np.full((4, 2), 0.5))
    judged = judged_by(cross_fit.probabilities, np.zeros(4, dtype=np.int64))
    folds = (Fold(np.arange(4, 8), np.arange(4)), Fold(np.arange(4), np.array([], dtype=np.int64)))
    assert judge_sets(LabelSets(), cross_fit, judged, np.arange(4), folds) is None


@pytest.mark.parametrize("seed", range(3))
def test_judged_coverage_is_that_of_fresh_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(6), 6000)
    labels = (probabilities.cumsum(axis=1) < rng.random((6000, 1))).sum(axis=1)
    here = np.arange(3000)
    folds = [Fold(here[here % 5 != fold], here[here % 5 == fold]) for fold in range(5)]
    known = judged_by(probabilities[:3000], labels[:3000])
    sets = judge_sets(LabelSets(), CrossFit(here, probabilities[:3000]), known, here, folds)
    fitted = LabelSets().fit(probabilities[:3000], labels[:3000], here)
    fresh = fitted.transform(probabilities[3000:], probabilities[3000:].argmax(axis=1))
    wanted = fresh[here, labels[3000:]].mean()
    assert set_coverage(sets, np.ones(3000)) == pytest.approx(wanted, abs=0.02)
    assert mean_set_size(sets, np.ones(3000)) == pytest.approx(fresh.sum(axis=1).mean(), abs=0.15)


def test_lowest_class_is_one_with_fifty_rows() -> None:
    labels = np.repeat([0, 1, 2], [100, 50, 49])
    covered = np.concatenate([np.ones(100), np.arange(50) >= 10, np.zeros(49)]).astype(bool)
    sets = JudgedSets(labels, covered, np.ones(199, dtype=np.int64), np.arange(199))
    assert list(set_metrics(sets)) == ["set coverage", "mean set size", "lowest class coverage"]
    assert lowest_class_coverage(sets, np.ones(199)) == 0.8
    assert lowest_class_coverage(sets, np.where(covered, 2.0, 1.0)) == pytest.approx(80 / 90)
    assert lowest_class_coverage(sets, (labels == 0).astype(float)) == 0.0


def test_no_class_is_named_among_few_rows() -> None:
    few = JudgedSets(np.zeros(49, int), np.ones(49, bool), np.ones(49, int), np.arange(49))
    assert list(set_metrics(few)) == ["set coverage", "mean set size"]


def test_baseline_holds_the_most_frequent_labels() -> None:
    shares = np.array([[0.05, 0.6, 0.35], [0.05, 0.92, 0.03]])
    judged = judged_by(shares, np.array([2, 2]))
    sets = most_frequent_sets(shares, judged, 0.9)
    assert sets.sizes.tolist() == [2, 1]
    assert sets.covered.tolist() == [True, False]
