"""What is new is found soon and over more than a day; what is as before raises nothing."""

import numpy as np

from training.monitoring.novelty_tests import emerging_texts, emerging_values

A_DAY = 20
DAYS = np.arange(1200) / A_DAY


def random_values(seed):
    return [str(name) for name in np.random.default_rng(seed).choice(list("abcdefgh"), 1200)]


def directions(count, seed):
    drawn = np.random.default_rng(seed).normal(size=(count, 16)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def test_values_that_go_on_as_before_raise_nothing_in_twenty_histories():
    novelties = [
        emerging_values(random_values(seed), DAYS, since=400, error=0.05) for seed in range(20)
    ]
    assert sum(map(bool, novelties)) <= 1


def test_a_value_that_comes_up_is_found_within_a_hundred_rows():
    values = random_values(1)
    values[700::8] = ["new"] * len(values[700::8])
    (novelty,) = emerging_values(values, DAYS, since=400, error=0.05)
    assert novelty.value == "new"
    assert novelty.before == 0
    assert 700 < novelty.row < 800
    assert {values[row] for row in novelty.members} == {"new"}


def test_a_renamed_value_is_found_by_its_new_name():
    values = [
        "A2" if value == "a" and row >= 700 else value for row, value in enumerate(random_values(2))
    ]
    novelties = emerging_values(values, DAYS, since=400, error=0.05)
    assert [novelty.value for novelty in novelties] == ["A2"]


def test_a_burst_of_one_afternoon_is_nothing_new():
    values = random_values(3)
    values[700:715] = ["burst"] * 15
    assert emerging_values(values, DAYS, since=400, error=0.05) == ()


def test_rows_before_the_past_ends_raise_nothing():
    values = random_values(4)
    values[200:300:4] = ["old news"] * 25
    assert emerging_values(values, DAYS, since=400, error=0.05) == ()


def test_texts_without_change_raise_nothing():
    novelties = [
        emerging_texts(directions(1200, seed), DAYS, since=400, error=0.05) for seed in range(3)
    ]
    assert sum(map(bool, novelties)) == 0


def test_a_new_kind_of_text_is_one_sign_with_its_members():
    vectors = directions(1200, 1)
    new = np.arange(700, 1200, 8)
    vectors[new] = directions(1, 99) + 0.1 * directions(len(new), 5)
    vectors[new] /= np.linalg.norm(vectors[new], axis=1, keepdims=True)
    (novelty,) = emerging_texts(vectors, DAYS, since=400, error=0.05)
    assert 700 < novelty.row < 800
    assert np.isin(novelty.members, new).mean() > 0.8
