"""Series in any order, with missing values, put on a grid and back in the given order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.timeseries.resampling import SeriesGrid, lay_on_grid


def laid(times: list[int], values: list[float] | None = None) -> SeriesGrid:
    given_values = np.arange(len(times), dtype=float) if values is None else np.array(values)
    return lay_on_grid(np.array(times, dtype=np.int64), given_values.astype(float))


def words(grid: SeriesGrid) -> list[str]:
    return [warning.partition(":")[0] for warning in grid.warnings]


def back(grid: SeriesGrid) -> list[float]:
    """Return the values as they were given, from where the grid holds them."""
    return (grid.values + grid.before)[grid.slots].tolist()


def test_a_regular_series_is_taken_as_it_is():
    grid = laid([0, 60, 120, 180], [3, 1, 2, 5])
    assert (grid.times.tolist(), grid.values.tolist()) == ([0, 60, 120, 180], [3, 1, 2, 5])
    assert (grid.slots.tolist(), grid.step_seconds, grid.warnings) == ([0, 1, 2, 3], 60, ())
    assert not grid.before.any()


def test_disorder_is_put_in_order_and_reported():
    grid = laid([180, 0, 120, 60], [5, 3, 2, 1])
    assert grid.values.tolist() == [3, 1, 2, 5]
    assert grid.slots.tolist() == [3, 0, 2, 1]
    assert words(grid) == ["disorder"]


def test_of_points_that_share_a_time_the_last_counts():
    grid = laid([0, 60, 60, 120, 60], [3, 1, 9, 2, 7])
    assert grid.values.tolist() == [3, 7, 2]
    assert grid.slots.tolist() == [0, 1, 1, 2, 1]
    assert words(grid) == ["disorder", "duplicates"]


def test_missing_times_become_missing_slots():
    grid = laid([0, 60, 240, 300, 360], [3, 1, 2, 5, 4])
    assert grid.times.tolist() == [60 * slot for slot in range(7)]
    assert np.isnan(grid.values).tolist() == [False, False, True, True, False, False, False]
    assert grid.warnings == ()


def test_a_long_gap_is_filled_for_a_time_only():
    grid = laid([0, 60, 120, 10**8, 10**8 + 60])
    assert (np.diff(grid.times) > 0).all()
    assert len(grid.times) == 5 + 1_440
    assert back(grid) == [0, 1, 2, 3, 4]


def test_jitter_falls_into_the_nearest_slot():
    times = (60 * np.arange(100) + np.resize([0, 0, 3, -2, 0, 0], 100)).tolist()
    grid = laid(times, [7 - n % 5 for n in range(100)])
    assert grid.step_seconds == 60
    assert grid.slots.tolist() == list(range(100))
    assert not np.isnan(grid.values).any()


def test_points_at_wild_distances_are_not_drowned_in_holes():
    times = np.cumsum(np.random.default_rng(0).integers(1, 10**6, 500)).tolist()
    grid = laid(times, [5 + n % 7 for n in range(500)])
    assert words(grid) == ["irregular"]
    assert 500 <= len(grid.values) <= 5 * 500 + 1_440
    assert (np.diff(grid.times) > 0).all()


def test_nothing_and_infinity_are_missing():
    grid = laid([0, 60, 120, 180, 240], [1, np.nan, np.inf, -np.inf, 2])
    assert np.isnan(grid.values).tolist() == [False, True, True, True, False]
    assert words(grid) == ["missing"]
    assert grid.warnings[0].startswith("missing: 3 values")


def test_no_point_one_point_and_one_time_are_laid():
    assert laid([]).values.tolist() == []
    assert (laid([5], [2]).values.tolist(), laid([5], [2]).slots.tolist()) == ([2], [0])
    assert laid([5, 5, 5], [1, 2, 3]).values.tolist() == [3]


@pytest.mark.parametrize("start", [-(2**33), 0, 9_223_372_036 - 600])
def test_far_times_are_laid(start):
    grid = laid([start, start + 60, start + 120])
    assert grid.times.tolist() == [start, start + 60, start + 120]


def test_the_whole_span_of_times_is_laid():
    assert back(laid([-(2**33), 0, 9_223_372_036])) == [0, 1, 2]


def test_a_constant_is_reported():
    assert words(laid([0, 60, 120], [4, 4, 4])) == ["constant"]
    assert words(laid([0, 60], [np.nan, np.nan])) == ["missing"]


def test_a_counter_is_given_back_in_its_own_units():
    values = [*np.cumsum(np.arange(40.0)).tolist(), *np.cumsum(np.arange(40.0)).tolist()]
    grid = laid([60 * minute for minute in range(80)], values)
    assert words(grid) == ["counter"]
    assert grid.values[1:40].tolist() == list(range(1, 40))
    assert back(grid)[1:] == values[1:]


points = st.lists(
    st.tuples(
        st.integers(-(2**33), 9_223_372_036) | st.integers(0, 50).map(lambda at: at * 60),
        st.floats(allow_subnormal=False),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(points)
def test_each_point_is_found_where_it_was_put(pairs):
    times, values = [time for time, _ in pairs], [value for _, value in pairs]
    grid = laid(times, values)
    assert len(grid.slots) == len(times)
    assert len(grid.times) == len(grid.values) == len(grid.before)
    assert (np.diff(grid.times) > 0).all()
    assert not np.isinf(grid.values).any()
    if len(times):
        nearest = grid.times[grid.slots]
        assert (np.abs(nearest - times) <= grid.step_seconds // 2 + 1).all()
        last = {int(slot): value for slot, value in zip(grid.slots, values, strict=True)}
        if "counter" not in words(grid):
            wanted = [value if abs(value) < 1e30 else np.nan for value in last.values()]
            assert np.array_equal(grid.values[list(last)], wanted, equal_nan=True)


@settings(max_examples=50, deadline=None)
@given(points, st.randoms(use_true_random=False))
def test_order_does_not_matter_where_times_differ(pairs, random):
    unique = list(dict(pairs).items())
    grid = laid([time for time, _ in unique], [value for _, value in unique])
    if "duplicates" in words(grid):
        return
    random.shuffle(unique)
    other = laid([time for time, _ in unique], [value for _, value in unique])
    assert np.array_equal(grid.times, other.times)
    assert np.array_equal(grid.values, other.values, equal_nan=True)
