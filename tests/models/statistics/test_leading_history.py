"""Weights of predictors that began at different times."""

import numpy as np
import pytest

from models.statistics.leading_history import follow_leading_history


def test_a_predictor_that_was_far_behind_can_return() -> None:
    losses = np.array([[800.0, 0.0], [0.0, 800.0], [0.0, 800.0]])
    weights = follow_leading_history(losses, first=0.5, newcomers=0.2)
    assert weights == pytest.approx([1, 0])


def test_a_newcomer_gets_its_share_and_one_that_left_has_no_weight() -> None:
    losses = np.array([[0.0, 0.0, np.nan], [0.0, np.nan, 0.0]])
    weights = follow_leading_history(losses, first=0.5, newcomers=0.2)
    assert weights == pytest.approx([0.4 / 0.6, 0, 0.2 / 0.6])


def test_without_rounds_nobody_has_weight() -> None:
    weights = follow_leading_history(np.empty((0, 3)), first=0.5, newcomers=0.2)
    assert weights.tolist() == [0, 0, 0]
