"""Sets of labels: as wide as promised for each class, never empty, and as the library has them."""

import time

import numpy as np
import pytest
from crepes import ConformalClassifier

from models.classification.conformal_sets import LabelSets
from models.classification.learning.cross_validation import Rows, one_of_each

SKILLS = np.array([1.9, 1.4, 0.5])


def drawn(rows: int, seed: int) -> tuple[np.ndarray, Rows]:
    """Probabilities of three classes, the first of which is easily told and the last hardly."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, rows, p=[0.7, 0.2, 0.1])
    scores = rng.normal(size=(rows, 3))
    scores[np.arange(rows), labels] += SKILLS[labels]
    return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True), labels


def coverage(sets: LabelSets, seed: int) -> np.ndarray:
    """The share of 3,000 fresh rows of each class whose calibrated set holds the right label."""
    probabilities, labels = drawn(3000, seed)
    # An answer that is always in would flatter: the right label stands only by its own score.
    held = sets.transform(probabilities, (labels + 1) % 3)
    right = held[np.arange(len(labels)), labels]
    return np.bincount(labels, right) / np.bincount(labels)


def mean_coverage(repeats: int = 40, **settings: int) -> np.ndarray:
    coverages = []
    for seed in range(repeats):
        sets = LabelSets(**settings).fit(*drawn(800, seed), np.arange(800))
        coverages.append(coverage(sets, 1000 + seed))
    return np.mean(coverages, axis=0)


def test_each_class_is_covered_as_promised_and_no_wider() -> None:
    coverages = mean_coverage()
    assert (coverages > 0.89).all()
    assert (coverages < 0.925).all()


def test_pooled_classes_are_covered_together_but_not_each() -> None:
    coverages = mean_coverage(fewest_own=1000)
    assert coverages @ [0.7, 0.2, 0.1] == pytest.approx(0.9, abs=0.01)
    assert coverages[0] > 0.92
    assert coverages[2] < 0.8


def mass_above(probabilities: np.ndarray) -> np.ndarray:
    likelier = probabilities[:, None, :] > probabilities[:, :, None]
    return (likelier * probabilities[:, None, :]).sum(axis=2)


def test_sets_are_those_of_the_library() -> None:
    probabilities, labels = drawn(900, seed=1)
    fresh, _ = drawn(200, seed=2)
    sets = LabelSets().fit(probabilities, labels, np.arange(900))
    held = sets.transform(fresh, fresh.argmax(axis=1))
    strangeness = mass_above(probabilities)[np.arange(900), labels]
    reference = ConformalClassifier().fit(strangeness, bins=labels)
    for number in range(3):
        column = reference.predict_set(
            mass_above(fresh)[:, number], bins=np.full(200, number), confidence=0.9, smoothing=False
        ).astype(bool)
        column |= fresh.argmax(axis=1) == number
        np.testing.assert_array_equal(held[:, number], column)


def test_rare_classes_share_a_limit_and_frequent_ones_have_their_own() -> None:
    labels = np.repeat(np.arange(5), [200, 100, 30, 30, 2])
    probabilities = np.random.default_rng(0).dirichlet(np.ones(5), len(labels))
    limits = LabelSets().fit(probabilities, labels, np.arange(len(labels))).limits_
    assert limits[2] == limits[3] == limits[4]
    assert len(set(limits)) == 3


def test_too_few_rare_rows_are_joined_by_the_next_class() -> None:
    """One row alone could rule nothing out, so its label would be in every set."""
    labels = np.repeat(np.arange(4), [200, 100, 1, 0])
    probabilities = np.random.default_rng(0).dirichlet(np.ones(4), len(labels))
    limits = LabelSets().fit(probabilities, labels, np.arange(len(labels))).limits_
    assert limits[1] == limits[2] == limits[3] < 1
    assert limits[0] != limits[1]


def test_with_hardly_any_rows_nothing_is_ruled_out() -> None:
    probabilities = np.tile([0.98, 0.01, 0.01], (8, 1))
    sets = LabelSets().fit(probabilities, np.zeros(8, int), np.arange(8))
    assert sets.transform(probabilities[:1], np.array([0])).all()
    nine = np.tile([0.98, 0.01, 0.01], (10, 1))
    sets = LabelSets().fit(nine, np.zeros(10, int), np.arange(10))
    assert sets.transform(nine[:1], np.array([0])).tolist() == [[True, False, False]]


def test_copies_count_once() -> None:
    probabilities, labels = drawn(600, seed=0)
    plain = LabelSets().fit(probabilities, labels, np.arange(600))
    times = np.where(np.arange(600) % 7 == 0, 50, 1)
    rows = np.repeat(np.arange(600), times)
    copied = LabelSets().fit(probabilities[rows], labels[rows], rows)
    counted = LabelSets().fit(probabilities[rows], labels[rows], np.arange(len(rows)))
    np.testing.assert_array_equal(copied.limits_, plain.limits_)
    assert (counted.limits_ != plain.limits_).any()


def test_the_less_sure_the_wider() -> None:
    sets = LabelSets().fit(*drawn(600, seed=0), np.arange(600))
    rows = np.array([[0.34, 0.33, 0.33], [0.6, 0.35, 0.05], [0.98, 0.01, 0.01]])
    sizes = sets.transform(rows, rows.argmax(axis=1)).sum(axis=1)
    assert sizes.tolist() == [3, 2, 1]


def test_the_answer_is_in_whatever_it_is() -> None:
    probabilities, labels = drawn(600, seed=0)
    sets = LabelSets(coverage=0.2).fit(probabilities, labels, np.arange(600))
    answers = probabilities.argmin(axis=1)
    held = sets.transform(probabilities, answers)
    assert held[np.arange(600), answers].all()
    assert held.sum() == 2 * len(held)  # the likeliest, which is never strange, and the answer


def test_ordered_sets_are_the_same_without_gaps() -> None:
    probabilities, labels = drawn(600, seed=0)
    answers = np.random.default_rng(0).integers(0, 3, 600)
    loose, whole = (
        LabelSets(is_ordered=ordered)
        .fit(probabilities, labels, np.arange(600))
        .transform(probabilities, answers)
        for ordered in (False, True)
    )
    ranks = np.arange(3)
    for before, after in zip(loose, whole, strict=True):
        inside = (ranks >= ranks[before].min()) & (ranks <= ranks[before].max())
        np.testing.assert_array_equal(after, inside)
    assert (loose != whole).any()


def test_a_thousand_sets_of_74_labels_take_under_20_ms() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(74), 1000)
    sets = LabelSets().fit(probabilities, probabilities.argmax(axis=1), np.arange(1000))
    answers = probabilities.argmax(axis=1)
    seconds = []
    for _ in range(5):
        started = time.process_time()
        sets.transform(probabilities, answers)
        seconds.append(time.process_time() - started)
    assert min(seconds) < 0.02


def test_one_row_of_each_group_is_drawn_in_order() -> None:
    groups = np.array([5, 2, 5, 9, 2])
    drawn = one_of_each(groups)
    assert drawn.tolist() == sorted(drawn)
    assert sorted(groups[drawn].tolist()) == [2, 5, 9]
