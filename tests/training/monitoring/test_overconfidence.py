"""Answers that are wrong more often than they say are found, calibrated ones raise nothing."""

import numpy as np
import pytest

from training.monitoring.overconfidence import find_overconfidence


@pytest.mark.parametrize("overconfidence", [0.0, 0.015])
def test_calibrated_answers_raise_nothing(overconfidence):
    alarms = 0
    for seed in range(20):
        generator = np.random.default_rng(seed)
        confidence = generator.uniform(0.5, 1.0, 800)
        wrong = generator.random(800) < 1 - confidence + overconfidence
        alarms += find_overconfidence(confidence, wrong, error=0.05) is not None
    assert alarms <= 1


def test_answers_gone_wrong_are_dated():
    generator = np.random.default_rng(0)
    confidence = generator.uniform(0.8, 1.0, 800)
    wrong = generator.random(800) < np.where(np.arange(800) < 500, 1 - confidence, 0.5)
    overconfidence = find_overconfidence(confidence, wrong, error=0.01)
    assert overconfidence is not None
    assert 500 < overconfidence.row < 560
    assert abs(overconfidence.since - 500) < 25
