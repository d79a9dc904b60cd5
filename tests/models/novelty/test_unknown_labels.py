import numpy as np
import pytest

from models.novelty.text_familiarity import TextFamiliarity
from models.novelty.unknown_labels import FEWEST_CORRECTIONS, UnknownLabels

DIMENSION = 16


def vectors(count: int, seed: int, towards: int | None = None) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, DIMENSION))
    if towards is not None:
        rows[:, towards] += 4
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def familiarity() -> TextFamiliarity:
    pieces = [np.empty(0, dtype=np.int64)] * 500
    return TextFamiliarity().fit(vectors(500, seed=0), pieces, np.empty(0))


def test_incidents_like_the_corrected_ones_are_recognised(familiarity: TextFamiliarity):
    unknown_labels = UnknownLabels.learn(familiarity, {"HR": vectors(30, 1, towards=3)})
    assert unknown_labels is not None
    recognised = unknown_labels.resembled(vectors(200, 2, towards=3))
    assert recognised.count("HR") > 150
    assert unknown_labels.resembled(vectors(500, 3)).count("HR") <= 0.05 * 500


def test_a_report_resembles_the_label_that_it_is_nearest_to(familiarity: TextFamiliarity):
    corrected = {"HR": vectors(30, 1, towards=3), "Legal": vectors(30, 2, towards=7)}
    unknown_labels = UnknownLabels.learn(familiarity, corrected)
    assert unknown_labels is not None
    assert unknown_labels.resembled(vectors(50, 4, towards=7)).count("Legal") > 30


def test_a_few_corrections_teach_nothing(familiarity: TextFamiliarity):
    few = vectors(FEWEST_CORRECTIONS - 1, 1, towards=3)
    assert UnknownLabels.learn(familiarity, {"HR": few}) is None
