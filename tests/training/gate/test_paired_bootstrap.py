"""The paired bootstrap: the same intervals as drawing rows' groups one by one, only faster."""

import numpy as np
import pytest

from training.evaluation.metrics import HeldOutPredictions, accuracy, compare, quadratic_kappa
from training.gate.paired_bootstrap import Answers, accuracy_gain, kappa_gain


def answers(rows: int = 1200, groups: int = 400, seed: int = 0) -> Answers:
    """Two versions that are right in .8 and .75 of the incidents, groups alike in part."""
    generator = np.random.default_rng(seed)
    copies = generator.integers(0, groups, rows)
    labels = generator.integers(0, 4, rows)
    luck = (generator.random(groups)[copies] + generator.random(rows)) / 2
    other = (labels + generator.integers(1, 4, rows)) % 4
    ours = np.where(luck < 0.65, labels, other)
    theirs = np.where((luck + 0.1 * generator.random(rows)) < 0.65, labels, other)
    return Answers(labels, ours, theirs, copies, copies, 4)


def judged(found: Answers, predicted: np.ndarray) -> HeldOutPredictions:
    zeros = np.zeros(len(predicted))
    return HeldOutPredictions(found.labels, predicted, zeros, zeros, found.units, found.classes)


@pytest.mark.parametrize(
    ("gain", "metric"), [(accuracy_gain, accuracy), (kappa_gain, quadratic_kappa)]
)
def test_intervals_are_those_of_drawing_each_group(gain, metric) -> None:
    answered = answers()
    plain = compare(metric, judged(answered, answered.ours), judged(answered, answered.theirs))
    fast = gain(answered)
    assert fast.value == pytest.approx(plain.value)
    width = plain.high - plain.low
    assert fast.low == pytest.approx(plain.low, abs=width / 5)
    assert fast.high == pytest.approx(plain.high, abs=width / 5)
    assert fast.error == pytest.approx(width / 3.92, rel=0.2)


def test_groups_that_are_right_or_wrong_together_widen_the_interval() -> None:
    copies = np.repeat(np.arange(100), 10)
    labels, wrong = np.zeros(1000, dtype=np.int64), np.ones(1000, dtype=np.int64)
    lucky = np.random.default_rng(0).random(100)[copies]
    ours, theirs = np.where(lucky < 0.9, labels, wrong), np.where(lucky > 0.1, labels, wrong)
    together = accuracy_gain(Answers(labels, ours, theirs, copies, copies, 2))
    alone = accuracy_gain(Answers(labels, ours, theirs, np.arange(1000), np.arange(1000), 2))
    assert together.error == pytest.approx(alone.error * np.sqrt(10), rel=0.2)


def test_the_same_answers_differ_by_nothing() -> None:
    answered = answers()
    same = Answers(
        answered.labels, answered.ours, answered.ours, answered.blocks, answered.copies, 4
    )
    for gain in (accuracy_gain, kappa_gain):
        assert (gain(same).value, gain(same).low, gain(same).high) == (0, 0, 0)


def test_few_days_are_replaced_by_near_copies() -> None:
    days = np.repeat(np.arange(20), 10)
    few = Answers(*[np.zeros(200, dtype=np.int64)] * 3, days, np.arange(200), 1)
    assert len(np.unique(few.units)) == 200
    many = Answers(*[np.zeros(300, dtype=np.int64)] * 3, np.arange(300) // 10, np.arange(300), 1)
    assert len(np.unique(many.units)) == 30


def test_one_level_has_no_kappa() -> None:
    alike = Answers(*[np.zeros(50, dtype=np.int64)] * 3, np.arange(50), np.arange(50), 2)
    assert kappa_gain(alike).value == 0
