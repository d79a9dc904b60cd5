import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.classification.residual_probability import ResidualProbability


def softmax(rows: np.ndarray) -> np.ndarray:
    exponentials = np.exp(rows)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


@given(seed=st.integers(0, 1_000), labels=st.integers(3, 12))
def test_most_confident_incidents_are_usual_and_a_spread_one_is_not(seed: int, labels: int):
    rng = np.random.default_rng(seed)
    probabilities = softmax(rng.normal(size=(400, labels)) * 4)
    model = ResidualProbability().fit(probabilities)
    confident = probabilities[probabilities.max(axis=1) >= 0.5]
    assert 0.94 <= model.is_usual(confident).mean() <= 1
    spread = np.full((1, labels), 0.5 / (labels - 1))
    spread[0, 0] = 0.5
    between_two = np.zeros((1, labels))
    between_two[0, :2] = 0.6, 0.4
    assert model.is_usual(between_two).all()
    assert model.largest_ >= 0.5 - 0.5 / (labels - 1) or not model.is_usual(spread).any()


def test_two_labels_leave_nothing_to_others():
    rows = np.array([[0.9, 0.1], [0.6, 0.4]])
    assert ResidualProbability().fit(rows).is_usual(rows).all()


def test_without_confident_incidents_everything_is_usual():
    assert ResidualProbability().fit(np.empty((0, 3))).is_usual(np.full((1, 3), 1 / 3)).all()
