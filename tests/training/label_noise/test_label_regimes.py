"""A regime starts on the day on which the shares of labels change."""

from datetime import UTC, datetime, timedelta

import numpy as np

from training.dataset.split import Period, Split
from training.label_noise.label_regimes import find_regimes, periods_of


def dated_split(days: np.ndarray) -> Split:
    """A split by time whose later half is two periods."""
    half, last, count = len(days) // 2, 3 * len(days) // 4, len(days)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    periods = tuple(
        Period(start + timedelta(days=int(days[first])), np.arange(first, end), np.arange(first))
        for first, end in ((half, last), (last, count))
    )
    return Split((), days, np.arange(count), "by time", periods=periods)


def test_a_policy_that_changes_on_a_day_starts_a_regime_there() -> None:
    days = np.repeat(np.arange(100), 5)
    labels = np.random.default_rng(0).integers(0, 3, 500)
    labels[(labels == 0) & (days >= 70)] = 1
    regimes = find_regimes(labels, dated_split(days))
    assert set(regimes.tolist()) == {0, 1}
    assert abs(int(days[regimes == 1].min()) - 70) <= 2


def test_two_changes_make_three_regimes() -> None:
    days = np.repeat(np.arange(120), 5)
    labels = np.random.default_rng(1).integers(0, 2, 600)
    labels[(days >= 40) & (days < 80)] += 2
    regimes = find_regimes(labels, dated_split(days))
    assert [int(days[regimes == number].min()) for number in range(3)] == [0, 40, 80]


def test_quiet_years_have_one_regime() -> None:
    days = np.repeat(np.arange(100), 5)
    divided = 0
    for seed in range(40):
        labels = np.random.default_rng(seed).integers(0, 4, 500)
        divided += bool(find_regimes(labels, dated_split(days)).any())
    assert divided <= 1


def test_unlabelled_rows_and_histories_without_times_are_in_one_regime() -> None:
    days = np.repeat(np.arange(100), 2)
    assert not find_regimes(np.full(200, -1), dated_split(days)).any()
    undated = Split((), np.arange(200), np.arange(200), "by near-copies")
    assert not find_regimes(np.repeat([0, 1], 100), undated).any()


def test_evaluated_periods_are_kept_apart_after_a_change_only() -> None:
    days = np.arange(8)
    split = dated_split(days)
    assert periods_of(np.zeros(8, dtype=np.int64), split).tolist() == [0] * 8
    regimes = np.array([0, 0, 0, 0, 0, 1, 1, 1])
    periods = periods_of(regimes, split)
    assert periods[:5].tolist() == [0] * 5
    assert periods[6] == periods[7] != periods[5] != 0
