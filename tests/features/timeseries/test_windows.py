"""Which series are counters, which only look like one, and the increases of counters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.timeseries.windows import increases, is_counter

DAY = 1_440
RISING = np.cumsum(np.random.default_rng(0).integers(1, 9, 200)).astype(float)


def with_reset(values: np.ndarray, at: int) -> np.ndarray:
    counted = values.copy()
    counted[at:] -= counted[at]
    return counted


def test_what_only_rises_counts():
    assert is_counter(RISING, first=DAY)
    assert is_counter(np.repeat(RISING, 2)[1:], first=DAY)


def test_resets_and_missing_values_do_not_change_that():
    values = with_reset(with_reset(RISING, 60), 130)
    values[10:15] = np.nan
    assert is_counter(values, first=DAY)


@pytest.mark.parametrize(
    "values",
    [
        np.full(200, 5.0),
        10 + np.sin(np.arange(200)),
        -RISING,
        RISING - 500,
        np.where(np.arange(200) == 100, RISING * 0.8, RISING),
        np.repeat(RISING, 3),
        RISING[:19],
        np.full(200, np.nan),
        np.array([]),
    ],
    ids=[
        "constant",
        "wave",
        "falling",
        "from below zero",
        "falls a little",
        "rarely rises",
        "too short",
        "missing",
        "empty",
    ],
)
def test_other_series_do_not_count(values):
    assert not is_counter(values, first=DAY)


def test_what_comes_after_the_first_day_does_not_decide():
    assert is_counter(np.concatenate([np.arange(1_440.0), [5_000.0, 4_000.0]]), first=DAY)


def test_a_rise_is_over_the_known_value_before():
    rises, before = increases(np.array([5.0, 7.0, np.nan, np.nan, 13.0]))
    assert np.array_equal(rises, [np.nan, 2, np.nan, np.nan, 2], equal_nan=True)
    assert np.array_equal(before, [np.nan, 5, np.nan, np.nan, 11], equal_nan=True)


def test_after_a_reset_it_rose_from_zero():
    rises, before = increases(np.array([90.0, 100.0, 4.0, 6.0]))
    assert rises[1:].tolist() == [10, 4, 2]
    assert before[1:].tolist() == [90, 0, 4]


def test_a_fall_that_is_no_reset_is_negative():
    assert increases(np.array([100.0, 50.0]))[0][1] == -50


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 1e12) | st.just(np.nan), max_size=30))
def test_rises_and_what_they_are_added_to_give_the_values_again(given_values):
    values = np.array(given_values, dtype=float)
    rises, before = increases(values)
    known = np.flatnonzero(~np.isnan(values))
    assert rises.shape == before.shape == values.shape
    assert np.isnan(rises[known[:1]]).all()
    assert np.allclose((rises + before)[known[1:]], values[known[1:]], rtol=1e-9, atol=1e-3)
