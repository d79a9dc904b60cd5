"""What chance contradicts is no mistake: suspects stay below what a control gives."""

import numpy as np

from training.label_noise.confident_learning import find_contradictions
from training.label_noise.period_correction import correct_to_periods


def doubtful_model(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Calibrated probabilities of four classes, sure of some rows and not of others."""
    scores = rng.normal(size=(rows, 4)) * rng.uniform(0.5, 6, (rows, 1))
    probabilities = np.exp(scores)
    return np.asarray(probabilities / probabilities.sum(axis=1, keepdims=True))


def drawn(rng: np.random.Generator, probabilities: np.ndarray) -> np.ndarray:
    return np.array([rng.choice(4, p=row) for row in probabilities])


def contradictions(labels: np.ndarray, probabilities: np.ndarray):
    corrected = correct_to_periods(probabilities, labels, np.zeros(len(labels), dtype=np.int64))
    return find_contradictions(labels, corrected)


def test_labels_without_mistakes_are_seldom_suspected() -> None:
    suspected = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        probabilities = doubtful_model(rng, 500)
        suspected.append(len(contradictions(drawn(rng, probabilities), probabilities).rows))
    assert sum(count > 0 for count in suspected) <= 4
    assert np.mean(suspected) <= 5


def test_labels_that_are_shuffled_are_not_suspected() -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        probabilities = doubtful_model(rng, 500)
        labels = rng.permutation(drawn(rng, probabilities))
        found = contradictions(labels, probabilities)
        assert len(found.rows) <= 0.05 * len(labels)


def test_no_more_are_suspected_than_exceed_the_control() -> None:
    rng = np.random.default_rng(0)
    probabilities = doubtful_model(rng, 2_000)
    labels = drawn(rng, probabilities)
    mistaken = rng.choice(2_000, 200, replace=False)
    labels[mistaken] = (labels[mistaken] + rng.integers(1, 4, 200)) % 4
    found = contradictions(labels, probabilities)
    assert found.by_chance > 50
    assert 70 <= len(found.rows) <= 220
    assert len(set(found.rows.tolist()) & set(mistaken.tolist())) >= 0.6 * len(found.rows)
