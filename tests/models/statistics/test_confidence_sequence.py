"""Bounds of a precision hold while somebody peeks after every answer, and find a broken promise."""

import numpy as np
import pytest

from models.statistics.confidence_sequence import PrecisionBounds, precision_bounds

_PEEKS = 160
_HISTORIES = 120


def _histories(precision: float, seed: int, answers: int = _PEEKS) -> np.ndarray:
    draws = np.random.default_rng(seed).random((_HISTORIES, answers))
    return (draws < precision).cumsum(axis=1)


def _all_bounds(rights: np.ndarray) -> np.ndarray:
    """(low, high) of every history after every answer; equal counts are computed once."""
    interval_of: dict[tuple[int, int], tuple[float, float]] = {}

    def bounds(right: int, n: int) -> tuple[float, float]:
        if (right, n) not in interval_of:
            interval = precision_bounds(right, n - right)
            interval_of[right, n] = (interval.low, interval.high)
        return interval_of[right, n]

    return np.array(
        [[bounds(int(right), n) for n, right in enumerate(row, start=1)] for row in rights]
    )


@pytest.mark.parametrize("precision", [0.6, 0.92])
def test_a_bound_is_ever_wrong_in_at_most_its_share_of_histories(precision: float) -> None:
    bounds = _all_bounds(_histories(precision, seed=1))
    # Three standard errors above 5% of 120 histories.
    at_most = 0.05 + 3 * (0.05 * 0.95 / _HISTORIES) ** 0.5

    assert (bounds[:, :, 0] > precision).any(axis=1).mean() <= at_most
    assert (bounds[:, :, 1] < precision).any(axis=1).mean() <= at_most


def test_a_fixed_interval_would_be_wrong_far_more_often_under_the_same_peeking() -> None:
    rights = _histories(0.92, seed=1, answers=1000)
    counts = np.arange(1, rights.shape[1] + 1)
    share = (rights + 1) / (counts + 2)
    wald = share + 1.645 * np.sqrt(share * (1 - share) / counts)

    assert (wald < 0.92).any(axis=1).mean() > 0.15


def test_a_precision_of_80_under_a_promise_of_92_is_found_within_sixty_answers_mostly() -> None:
    is_excluded = _all_bounds(_histories(0.80, seed=2))[:, :, 1] < 0.92
    answers = np.where(is_excluded.any(axis=1), is_excluded.argmax(axis=1) + 1, _PEEKS)

    assert np.median(answers) <= 60
    assert np.quantile(answers, 0.9) <= 140


def test_with_nothing_checked_nothing_is_known() -> None:
    assert precision_bounds(0, 0) == PrecisionBounds(value=0.5, low=0.0, high=1.0, n=0)


@pytest.mark.parametrize(("right", "wrong"), [(0, 5), (5, 0), (0, 3000), (10**6, 1), (1, 10**6)])
def test_bounds_of_extreme_counts_stay_in_order(right: int, wrong: int) -> None:
    bounds = precision_bounds(right, wrong)

    assert 0 <= bounds.low <= bounds.value <= bounds.high <= 1
    assert bounds.low < bounds.high


def test_the_bounds_of_right_and_wrong_move_as_they_must() -> None:
    fewer, more = precision_bounds(80, 20), precision_bounds(800, 200)
    strict = precision_bounds(80, 20, error=0.01)

    assert fewer.low < more.low < more.high < fewer.high
    assert strict.low < fewer.low < fewer.high < strict.high


@pytest.mark.parametrize("error", [0.0, 1.0])
def test_an_error_outside_its_range_is_refused(error: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        precision_bounds(1, 1, error=error)


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="not be negative"):
        precision_bounds(-1, 1)
