"""The exact test by sign flips: what it equals, and how often it errs."""

import numpy as np
import pytest
from scipy.stats import binomtest

from models.statistics.sign_flip_test import sign_flip_p_value


@pytest.mark.parametrize(("losses", "wins"), [(12, 3), (5, 5), (0, 7), (20, 1)])
def test_without_blocks_it_is_the_exact_test_of_mcnemar(losses, wins):
    expected = binomtest(losses, losses + wins, alternative="greater").pvalue
    assert sign_flip_p_value([1] * losses + [-1] * wins + [0] * 4) == pytest.approx(expected)


def test_a_block_counts_as_one_piece_of_evidence():
    assert sign_flip_p_value([25]) == 0.5
    assert sign_flip_p_value([1] * 25) < 1e-7


def test_it_errs_no_more_often_than_it_says():
    rng = np.random.default_rng(0)
    draws = rng.integers(1, 6, (2_000, 12)) * rng.choice([-1, 1], (2_000, 12))
    p_values = np.array([sign_flip_p_value(draw.tolist()) for draw in draws])
    assert np.mean(p_values <= 0.05) < 0.065
