"""Votes of the nearest labelled past reports."""

import numpy as np
import pytest

from models.classification.learning.nearest_neighbours import NeighbourVotes


def unit_vectors(rows: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, 8)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_nearest_are_those_of_a_full_sort_even_across_batches() -> None:
    past, queries = unit_vectors(200), unit_vectors(600, seed=1)
    votes = NeighbourVotes(neighbours=5).fit(past, np.zeros(200, dtype=np.int64))
    rows, similarities = votes.scorer_.nearest(queries)
    closeness = queries @ past.T
    np.testing.assert_array_equal(rows, np.argsort(-closeness, axis=1)[:, :5])
    np.testing.assert_allclose(similarities, np.sort(closeness, axis=1)[:, ::-1][:, :5], rtol=1e-5)


def test_fewer_past_reports_than_neighbours() -> None:
    votes = NeighbourVotes(neighbours=15).fit(unit_vectors(3), np.array([0, 1, 1]))
    rows, _ = votes.scorer_.nearest(unit_vectors(2, seed=1))
    assert rows.shape == (2, 3)


def test_votes_weigh_by_closeness_beside_the_shares_of_the_classes() -> None:
    past = np.array([[1, 0], [0.8, 0.6], [0.8, 0.6]], dtype=np.float32)
    votes = NeighbourVotes(neighbours=3, sharpness=10).fit(past, np.array([4, 7, 7]))
    (shares,) = votes.predict_proba(np.array([[1, 0]], dtype=np.float32))
    weights = np.array([1 + 1.1 / 3.2, 2 * np.exp(10 * -0.2) + 2.1 / 3.2])
    assert votes.classes_.tolist() == [4, 7]
    assert shares == pytest.approx(weights / weights.sum(), rel=1e-4)


def test_equally_near_reports_come_in_order_of_their_rows() -> None:
    past = np.ones((6, 1), dtype=np.float32)
    votes = NeighbourVotes(neighbours=6).fit(past, np.arange(6))
    assert votes.scorer_.nearest(past[:1])[0].tolist() == [[0, 1, 2, 3, 4, 5]]
