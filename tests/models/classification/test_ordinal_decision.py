"""Cuts between levels: what they cost, what they never do, and what they are for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from models.classification.ordinal_decision import learn_cuts, rate, threshold_probabilities

RARE = 0.03


def levels_of(chances: np.ndarray, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return (chances.cumsum(axis=1) < generator.random((len(chances), 1))).sum(axis=1)


def uncertain(rows: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Return chances that are right, but never above a half for the two rare levels."""
    risk = np.random.default_rng(1).beta(0.06, 0.94, rows) * 0.44
    chances = np.column_stack([risk / 2, 1 - 1.5 * risk, risk])
    return chances, levels_of(chances)


def cuts_for(chances: np.ndarray, labels: np.ndarray, cost: float = 1.25) -> np.ndarray:
    return learn_cuts(chances, labels, np.ones(len(labels)), under_rating_cost=cost)


def test_rank_counts_the_thresholds_that_are_reached() -> None:
    rows = np.array([[0.4, 0.25, 0.35], [0.6, 0.2, 0.2], [0.1, 0.2, 0.7]])
    np.testing.assert_allclose(threshold_probabilities(rows), [[0.6, 0.35], [0.4, 0.2], [0.9, 0.7]])
    assert rate(rows, np.array([0.5, 0.5])).tolist() == [1, 0, 2]
    assert rate(rows, np.array([0.7, 0.1])).tolist() == [0, 0, 2]


def test_sure_probabilities_are_cut_by_cost_alone() -> None:
    labels = np.array([0, 1, 2] * 30)
    sure = np.eye(3)[labels] * 0.97 + 0.01
    np.testing.assert_allclose(cuts_for(sure, labels), [1 / 2.25, 1 / 2.25])
    np.testing.assert_allclose(cuts_for(sure, labels, cost=3.0), [0.25, 0.25])


def test_a_rare_level_is_given_though_no_row_is_more_than_half_sure_of_it() -> None:
    chances, labels = uncertain()
    assert (labels == 2).mean() < RARE
    ratings = rate(chances, cuts_for(chances, labels))
    by_cost_alone = rate(chances, np.full(2, 1 / 2.25))
    assert (by_cost_alone == 2).sum() < 5 < (ratings == 2).sum()
    kappas = [
        cohen_kappa_score(labels, ranks, weights="linear") for ranks in (ratings, by_cost_alone)
    ]
    assert kappas[0] > kappas[1] + 0.05


@pytest.mark.parametrize("cost", [1.0, 1.25, 4.0])
def test_noise_is_not_rated_as_if_it_were_known(cost: float) -> None:
    generator = np.random.default_rng(3)
    noise = generator.dirichlet((1.0, 60.0, 2.0), 3000)
    labels = levels_of(np.tile([0.02, 0.95, 0.03], (3000, 1)))
    share = np.array([0.98, 0.03])
    cuts = cuts_for(noise, labels, cost)
    np.testing.assert_allclose(cuts, 0.3 / (1 + cost) + 0.7 * share, atol=0.02)


def test_weights_count_as_repeated_rows() -> None:
    chances, labels = uncertain(600)
    twice = np.concatenate([chances, chances[:200]]), np.concatenate([labels, labels[:200]])
    weights = np.where(np.arange(600) < 200, 2.0, 1.0)
    weighted = learn_cuts(chances, labels, weights, under_rating_cost=1.25)
    np.testing.assert_allclose(weighted, cuts_for(*twice))


def test_a_level_that_never_occurs_leaves_finite_cuts() -> None:
    chances, labels = uncertain(300)
    empty = np.column_stack([chances, np.zeros(300)])
    assert np.isfinite(cuts_for(empty, labels)).all()
    everyone = np.zeros(300, dtype=np.int64)
    assert np.isfinite(cuts_for(chances, everyone)).all()


@given(st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3), st.integers(0, 2), st.floats(0, 1))
def test_more_chance_of_a_higher_level_never_lowers_the_rank(
    steps: list[float], place: int, moved: float
) -> None:
    chances = np.diff(np.sort(steps), prepend=0.0, append=1.0)[None, :]
    graver = chances.copy()
    graver[0, place] *= 1 - moved
    graver[0, -1] += chances[0, place] * moved
    cuts = np.array([0.6, 0.4, 0.3])
    assert rate(graver, cuts)[0] >= rate(chances, cuts)[0]


@given(st.floats(0.2, 20.0), st.floats(1.0, 5.0), st.floats(0.0, 0.7))
def test_dearer_under_rating_never_raises_a_cut(cost: float, dearer: float, chance: float) -> None:
    share = np.array([0.9, 0.4, 0.02])
    cheap, dear = (
        (1 - chance) / (1 + level_cost) + chance * share for level_cost in (cost, cost * dearer)
    )
    assert (dear <= cheap).all()
