"""Figures of merit against scikit-learn and worked examples, and their intervals."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score

from models.base.estimate import Estimate
from training.evaluation.metrics import (
    HeldOutPredictions,
    accuracy,
    compare,
    coverage_at_wanted_accuracy,
    expected_calibration_error,
    log_loss,
    macro_f1,
    measure,
    quadratic_kappa,
    take_rows,
)

CLASSES = 5


def drawn(rows: int = 300, seed: int = 0, skill: float = 0.6) -> HeldOutPredictions:
    """Predictions of five classes, one of which never occurs; right in `skill` of all cases."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(CLASSES - 1, rows, p=[0.5, 0.3, 0.15, 0.05])
    guesses = rng.integers(0, CLASSES - 1, rows)
    predicted = np.where(rng.random(rows) < skill, labels, guesses)
    return HeldOutPredictions(
        labels, predicted, rng.random(rows), rng.random(rows), np.arange(rows), CLASSES
    )


def certain(right: list[int], confidence: list[float]) -> HeldOutPredictions:
    labels = np.zeros(len(right), dtype=np.int64)
    return HeldOutPredictions(
        labels,
        1 - np.array(right),
        np.array(confidence),
        np.ones(len(right)),
        np.arange(len(right)),
        2,
    )


@pytest.mark.parametrize("weighted", [False, True], ids=["unit weights", "integer weights"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_figures_agree_with_scikit_learn(seed: int, weighted: bool) -> None:
    judged = drawn(seed=seed)
    times = np.random.default_rng(seed).integers(0, 4, 300) if weighted else np.ones(300, int)
    labels, predicted = np.repeat(judged.labels, times), np.repeat(judged.predicted, times)
    weight = times.astype(float)
    assert accuracy(judged, weight) == pytest.approx(accuracy_score(labels, predicted))
    assert macro_f1(judged, weight) == pytest.approx(f1_score(labels, predicted, average="macro"))
    kappa = cohen_kappa_score(labels, predicted, weights="quadratic", labels=range(CLASSES))
    assert quadratic_kappa(judged, weight) == pytest.approx(kappa)
    assert log_loss(judged, weight) == pytest.approx(np.repeat(judged.log_loss, times).mean())


def test_kappa_of_one_class_is_zero() -> None:
    judged = certain([1, 1, 1], [0.9] * 3)
    assert quadratic_kappa(judged, np.ones(3)) == 0


def test_calibration_error_of_a_worked_example() -> None:
    judged = certain([1, 0, 1, 1, 1], [0.95, 0.95, 0.55, 0.55, 1.0])
    # The bin from 0.9 holds 2.9 for 2 right ones, the bin from 0.5 holds 1.1 for 2.
    assert expected_calibration_error(judged, np.ones(5)) == pytest.approx((0.9 + 0.9) / 5)
    doubled = np.array([1.0, 1.0, 2.0, 2.0, 1.0])
    assert expected_calibration_error(judged, doubled) == pytest.approx((0.9 + 1.8) / 7)


def test_coverage_of_worked_examples() -> None:
    falling = [0.99 - 0.01 * at for at in range(40)]
    every = certain([1] * 40, falling)
    assert coverage_at_wanted_accuracy(every, np.ones(40)) == 1
    # 23 of the first 25 are right, which is 0.92; the rest is wrong.
    some = certain([1] * 12 + [0, 0] + [1] * 11 + [0] * 15, falling)
    assert coverage_at_wanted_accuracy(some, np.ones(40)) == pytest.approx(25 / 40)
    none = certain([0] * 40, falling)
    assert coverage_at_wanted_accuracy(none, np.ones(40)) == 0


def test_coverage_ranks_by_confidence_not_by_row() -> None:
    judged = certain([0, 1, 0, 1], [0.1, 0.9, 0.2, 0.8])
    assert coverage_at_wanted_accuracy(judged, np.ones(4)) == 0.5


def test_interval_covers_the_truth_in_most_simulations() -> None:
    covered = 0
    for seed in range(120):
        judged = drawn(150, seed=seed)
        estimate = measure(accuracy, judged, seed=seed)
        covered += estimate.low <= 0.6 + 0.4 / 4 <= estimate.high
    assert covered / 120 == pytest.approx(0.95, abs=0.06)


def test_interval_resamples_blocks_not_rows() -> None:
    judged = drawn(200)
    giant = replace(judged, blocks=np.full(200, 7))
    estimate = measure(accuracy, giant)
    assert estimate.low == estimate.value == estimate.high
    paired = replace(judged, blocks=np.arange(200) // 20)
    # Twenty rows of a block stand or fall together, so the truth is known less well.
    alike = replace(paired, predicted=np.where(paired.blocks % 2 == 0, paired.labels, 4))
    rows = measure(accuracy, replace(alike, blocks=np.arange(200)))
    blocks = measure(accuracy, alike)
    assert blocks.high - blocks.low > 2 * (rows.high - rows.low)


def test_same_seed_same_interval() -> None:
    assert measure(macro_f1, drawn(), seed=3) == measure(macro_f1, drawn(), seed=3)
    assert measure(macro_f1, drawn(), seed=3) != measure(macro_f1, drawn(), seed=4)


def test_comparison_is_paired() -> None:
    ours = drawn(skill=0.7)
    assert compare(accuracy, ours, ours) == Estimate(0, 0, 0)
    worse = ours.predicted.copy()
    worse[:10] = (ours.labels[:10] + 1) % 4
    change = compare(accuracy, ours, replace(ours, predicted=worse))
    assert change.excludes_zero
    assert 0 < change.value <= 10 / 300
    alone = measure(accuracy, ours)
    assert change.high - change.low < (alone.high - alone.low) / 2


def test_rows_are_taken_together() -> None:
    judged = drawn()
    rows = np.array([5, 3, 200])
    taken = take_rows(judged, rows)
    assert taken.labels.tolist() == judged.labels[rows].tolist()
    assert taken.confidence.tolist() == judged.confidence[rows].tolist()
    assert taken.blocks.tolist() == [5, 3, 200]
    assert taken.classes == CLASSES
