"""Probabilities follow the labels of their period, and random mistakes do not lower them."""

import numpy as np
import pytest

from training.label_noise.period_correction import correct_to_periods


def answers(truth: np.ndarray, confidence: np.ndarray, classes: int) -> np.ndarray:
    probabilities = np.repeat(((1 - confidence) / (classes - 1))[:, None], classes, axis=1)
    probabilities[np.arange(len(truth)), truth] = confidence
    return probabilities


def test_a_model_that_knows_nothing_of_a_period_gets_its_shares() -> None:
    rng = np.random.default_rng(0)
    probabilities = answers(rng.integers(0, 3, 600), rng.uniform(0.4, 0.99, 600), 3)
    labels = rng.choice(3, 600, p=[0.2, 0.3, 0.5])
    corrected = correct_to_periods(probabilities, labels, np.zeros(600, dtype=np.int64))
    assert corrected.sum(axis=1) == pytest.approx(1)
    assert corrected.mean(axis=0) == pytest.approx(np.bincount(labels) / 600, abs=0.02)
    assert corrected.std(axis=0).max() < 0.08


def test_random_mistakes_do_not_lower_the_confidence() -> None:
    rng = np.random.default_rng(1)
    truth, confidence = rng.integers(0, 4, 1_000), rng.uniform(0.5, 0.97, 1_000)
    labels = truth.copy()
    labels[:60] = (truth[:60] + rng.integers(1, 4, 60)) % 4
    corrected = correct_to_periods(
        answers(truth, confidence, 4), labels, np.zeros(1_000, dtype=np.int64)
    )
    assert corrected[np.arange(1_000), truth].mean() > 0.98


def test_each_period_has_its_own_correction() -> None:
    truth = np.tile([0, 1], 200)
    periods = np.repeat([0, 7], 200)
    labels = np.where(periods == 7, 1, truth)
    confidence = np.where(np.arange(400) % 4 < 2, 0.95, 0.7)
    corrected = correct_to_periods(answers(truth, confidence, 2), labels, periods)
    assert corrected[periods == 0].argmax(axis=1).tolist() == truth[:200].tolist()
    assert corrected[periods == 7][:, 1].min() > 0.8
