import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.novelty.conformal_p_value import ConformalPValue

SCORES = st.lists(st.floats(-50, 50), min_size=5, max_size=60)


@given(scores=SCORES, new=st.lists(st.floats(-100, 100), min_size=2, max_size=20))
def test_it_is_a_probability_that_rises_with_the_score(scores: list[float], new: list[float]):
    ordered = np.sort(np.array(new))
    p_values = ConformalPValue().fit(np.array(scores)).transform(ordered)
    assert ((p_values >= 0) & (p_values <= 1)).all()
    assert (np.diff(p_values) >= 0).all()


def test_the_share_of_small_p_values_is_about_their_level():
    rng = np.random.default_rng(0)
    calibration = ConformalPValue().fit(rng.normal(size=2_000))
    p_values = calibration.transform(rng.normal(size=20_000))
    for level in (0.01, 0.05, 0.1):
        assert level / 1.3 < (p_values <= level).mean() < level * 1.3


def test_a_few_scores_are_enough_to_call_a_far_one_strange():
    calibration = ConformalPValue().fit(np.random.default_rng(0).normal(size=30))
    assert calibration.transform(np.array([-12.0]))[0] < 0.001
    assert calibration.transform(np.array([-0.1]))[0] > 0.2


def test_equal_scores_are_all_usual():
    assert ConformalPValue().fit(np.ones(20)).transform(np.array([1.0])).tolist() == [1.0]
