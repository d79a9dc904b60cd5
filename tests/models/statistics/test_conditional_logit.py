"""Weights that stay where they were without examples, and follow many."""

import numpy as np
import pytest

from models.statistics.conditional_logit import Ranking, fit_conditional_logit, fit_logit

PRIOR, SPREAD = np.array([2.0, 0.0]), np.array([1.0, 1.0])


def ranking(right: int) -> Ranking:
    return Ranking(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]), np.arange(3) == right)


def test_each_example_moves_the_weights_further() -> None:
    fits = [fit_conditional_logit([ranking(1)] * count, PRIOR, SPREAD) for count in (0, 1, 30)]
    assert fits[0].tolist() == PRIOR.tolist()
    firsts, seconds = zip(*(weights.tolist() for weights in fits), strict=True)
    assert firsts[0] > firsts[1] > firsts[2]
    assert seconds[0] < seconds[1] < seconds[2]


def test_a_narrow_prior_holds() -> None:
    held = fit_conditional_logit([ranking(1)] * 5, PRIOR, np.array([1e-3, 1e-3]))
    assert held == pytest.approx(PRIOR, abs=1e-3)


def test_huge_features_do_not_overflow() -> None:
    far = Ranking(np.array([[1e4, 0.0], [0.0, 1e4]]), np.array([False, True]))
    assert np.isfinite(fit_conditional_logit([far], PRIOR, SPREAD)).all()


def test_a_logit_follows_the_shares() -> None:
    evidence, wide = np.ones((400, 1)), np.array([100.0])
    right = np.arange(400) < 100
    (log_odds,) = fit_logit(evidence, right, np.zeros(1), wide)
    assert log_odds == pytest.approx(np.log(1 / 3), abs=1e-3)
    assert fit_logit(evidence[:0], right[:0], np.array([0.7]), wide).tolist() == [0.7]
