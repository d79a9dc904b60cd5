"""The log-linear pool and the calibration of its top class."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime, check_grad
from scipy.special import expit, log_softmax, logit

from models.classification.log_linear_pool import LogLinearPool, TopCalibration


def drawn(rows: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return log-probabilities that tell the truth, and labels drawn from them."""
    rng = np.random.default_rng(seed)
    scores = log_softmax(rng.normal(0, 2, (rows, classes)), axis=1)
    labels = np.array([rng.choice(classes, p=row) for row in np.exp(scores)])
    return scores, labels


def test_pool_trusts_the_expert_who_knows() -> None:
    scores, labels = drawn(2000, 4)
    noise = np.random.default_rng(1).normal(0, 2, scores.shape)
    pool = LogLinearPool().fit(np.stack([scores, noise]), labels)
    np.testing.assert_allclose(
        pool.predict_proba(np.stack([scores, noise])), np.exp(scores), atol=0.1
    )
    assert pool.weights_.mean(axis=0)[1] < 0.05


def test_pool_mends_overconfidence_and_a_bias() -> None:
    scores, labels = drawn(3000, 3)
    biased = 3 * scores + np.array([2.0, 0, 0])
    pool = LogLinearPool().fit(biased[None], labels)
    np.testing.assert_allclose(pool.predict_proba(biased[None]), np.exp(scores), atol=0.05)


def test_pool_bends_scores_that_say_less_where_they_are_high() -> None:
    scores, labels = drawn(3000, 3)
    stretched = np.where(scores > -0.5, 4 * scores + 1.5, scores)
    pool = LogLinearPool().fit(stretched[None], labels)
    below, above = pool.weights_[:, 0]
    assert above < 0.5 * below
    assert np.abs(pool.predict_proba(stretched[None]) - np.exp(scores)).mean() < 0.02


def test_pool_never_believes_the_opposite_of_an_expert() -> None:
    scores, labels = drawn(2000, 4)
    noise = np.random.default_rng(1).normal(0, 2, (2, *scores.shape))
    pool = LogLinearPool().fit(np.stack([scores + noise[0], noise[1] - scores]), labels)
    assert (pool.weights_ >= 0).all()
    assert pool.weights_.mean(axis=0)[0] > 0.2
    assert pool.weights_.mean(axis=0)[1] < 0.05


def test_pool_without_rows_counts_experts_alike() -> None:
    pool = LogLinearPool().fit(np.empty((2, 0, 3)), np.empty(0, dtype=np.int64))
    assert pool.weights_.mean(axis=0).tolist() == [1, 1]
    assert pool.biases_.tolist() == [0, 0, 0]


def test_pool_slope_and_curvature_are_those_of_its_loss() -> None:
    scores, labels = drawn(50, 3)
    pool, start = LogLinearPool(bias_penalty=0.1), np.array([0.5, 2.0, 0.1, -0.3, 0.2])
    stacked = np.stack([scores, scores**2])
    error = check_grad(
        lambda numbers: pool._loss(numbers, stacked, labels)[0],
        lambda numbers: pool._loss(numbers, stacked, labels)[1],
        start,
    )
    assert error < 1e-5
    slopes = approx_fprime(start, lambda numbers: pool._loss(numbers, stacked, labels)[1])
    np.testing.assert_allclose(pool._curvature(start, stacked, labels), slopes, atol=1e-5)


@pytest.mark.parametrize("sharpness", [0.4, 3.0])
def test_calibration_makes_confidence_match_accuracy(sharpness: float) -> None:
    scores, labels = drawn(4000, 3)
    probabilities = np.exp(log_softmax(sharpness * scores, axis=1))
    calibrated = TopCalibration().fit(probabilities, labels).transform(probabilities)
    right = calibrated.argmax(axis=1) == labels
    assert abs(probabilities.max(axis=1).mean() - right.mean()) > 0.05
    assert abs(calibrated.max(axis=1).mean() - right.mean()) < 0.02


@pytest.mark.parametrize("classes", [2, 3, 40])
def test_calibration_keeps_the_likeliest_and_sums_to_one(classes: int) -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.full(classes, 0.1), 3000)
    probabilities[0] = np.eye(classes)[0]
    # Much less often right than it says, so confidence must fall below that of close seconds.
    is_right = rng.random(3000) < expit(logit(probabilities.max(axis=1)) - 1.5)
    labels = np.where(is_right, probabilities.argmax(axis=1), probabilities.argmin(axis=1))
    calibration = TopCalibration().fit(probabilities, labels)
    assert calibration.curve_ is not None
    calibrated = calibration.transform(probabilities)
    np.testing.assert_allclose(calibrated.sum(axis=1), 1, atol=1e-9)
    np.testing.assert_array_equal(calibrated.argmax(axis=1), probabilities.argmax(axis=1))
    assert calibrated.min() >= 0


def test_calibration_keeps_the_proportions_of_the_others() -> None:
    scores, labels = drawn(3000, 3)
    probabilities = np.exp(log_softmax(2 * scores, axis=1))
    calibrated = TopCalibration().fit(probabilities, labels).transform(probabilities)
    sure = np.flatnonzero(calibrated.max(axis=1) > 0.6)
    for row in sure[:50]:
        others = np.delete(np.arange(3), probabilities[row].argmax())
        before, after = probabilities[row, others], calibrated[row, others]
        assert after / after.sum() == pytest.approx(before / before.sum())


@pytest.mark.parametrize("labels", [[0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 0, 0]])
def test_too_few_rows_leave_probabilities_alone(labels: list[int]) -> None:
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.55, 0.45]])
    calibration = TopCalibration().fit(probabilities, np.array(labels))
    np.testing.assert_array_equal(calibration.transform(probabilities), probabilities)


def test_few_rows_move_neither_weights_nor_biases_far() -> None:
    scores, labels = drawn(2000, 4)
    flattened = 0.2 * scores[None]
    few = LogLinearPool().fit(flattened[:, :8], labels[:8])
    many = LogLinearPool().fit(flattened, labels)
    assert abs(few.weights_ - 1).max() < abs(many.weights_ - 1).max()
    assert abs(few.biases_).max() < 0.5
    free = LogLinearPool(prior_rows=0.0, prior_rows_of_bias=0.0).fit(flattened, labels)
    np.testing.assert_allclose(
        many.predict_proba(flattened), free.predict_proba(flattened), atol=0.02
    )


def test_few_answers_move_confidence_less_than_many() -> None:
    probabilities = np.tile([[0.9, 0.1], [0.6, 0.4]], (10, 1))
    labels = np.tile([0, 0, 1, 1], 5)
    once = TopCalibration().fit(probabilities, labels).transform(probabilities)[0, 0]
    often = (
        TopCalibration()
        .fit(np.tile(probabilities, (50, 1)), np.tile(labels, 50))
        .transform(probabilities)
    )
    assert often[0, 0] + 0.1 < once < 0.9
    assert often[0, 0] == pytest.approx(0.5, abs=0.02)
