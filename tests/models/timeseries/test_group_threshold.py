"""A large group learns the threshold that its own hours pass as often as its budget allows."""

import numpy as np
import pytest

from models.timeseries.group_threshold import GroupThreshold, find_new_lows, no_lows

HOUR, WEEK = 3_600, 604_800
BUDGET = 2.0


def hourly(weeks: float, scale: float = 1.0, away: float = 0.0, seed: int = 0):
    """Return hours, and lowest rates with the tail of independent series if scale is 1."""
    times = HOUR * np.arange(int(weeks * 168))
    uniform = np.random.default_rng(seed).uniform(0, 1, len(times))
    return times, np.exp(np.log(168) + scale * np.log(uniform) + away)


def per_week(rates, threshold) -> float:
    return 168 * float((rates <= threshold).mean())


def distance(rate: float) -> float:
    return abs(float(np.log(rate / BUDGET)))


def test_it_starts_from_the_budget_and_needs_hours_to_move():
    threshold = GroupThreshold(BUDGET)
    assert threshold.per_week(0) == BUDGET
    threshold.add(*hourly(0.4))
    assert threshold.per_week(WEEK) == BUDGET


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("away", [-3.0, 0.0, 3.0])
def test_a_group_comes_near_its_budget_after_four_weeks_whatever_the_tail(scale, away):
    kept = []
    for seed in range(10):
        threshold = GroupThreshold(BUDGET)
        threshold.add(*hourly(4, scale, away, seed))
        _, later = hourly(50, scale, away, seed + 100)
        kept.append(per_week(later, threshold.per_week(4 * WEEK)))
    untaught = max(per_week(hourly(50, scale, away, 100)[1], BUDGET), 0.01)
    learned = float(np.exp(np.mean(np.log(kept))))
    assert distance(learned) < max(0.8, distance(untaught) / 2.5)


def test_incidents_move_it_little_however_strong_and_long_they_are():
    times, rates = hourly(4)
    usual, troubled = GroupThreshold(BUDGET), GroupThreshold(BUDGET)
    usual.add(times, rates)
    hit = rates.copy()
    for week in range(4):
        hit[week * 168 + 50 : week * 168 + 90] = 1e-9
    lows = no_lows(1)
    lowest = np.minimum(rates, find_new_lows(lows, times, np.where(hit < 1e-8, hit, 99)[None]))
    troubled.add(times, lowest)
    assert 0.4 < troubled.per_week(4 * WEEK) / usual.per_week(4 * WEEK) < 1


def test_repeated_and_split_hours_give_the_same_and_so_does_a_restored_state():
    times, rates = hourly(4)
    whole, parts = GroupThreshold(BUDGET), GroupThreshold(BUDGET)
    whole.add(times, rates)
    for first in range(0, len(times), 5):
        part = slice(max(0, first - 2), first + 5)
        parts.add(times[part], rates[part])
        parts.add(times[part] + 60, rates[part] + 1)
    expected = whole.per_week(4 * WEEK)
    assert expected != BUDGET
    assert parts.per_week(4 * WEEK) == expected
    assert GroupThreshold(BUDGET, whole.state).per_week(4 * WEEK) == expected
    assert GroupThreshold(BUDGET, b"of another version").per_week(4 * WEEK) == BUDGET


def test_the_hours_of_the_day_are_not_yet_counted():
    times, rates = hourly(4)
    threshold, other = GroupThreshold(BUDGET), GroupThreshold(BUDGET)
    noon = 27 * 86_400 + 12 * HOUR
    threshold.add(times[times < noon], rates[times < noon])
    other.add(times[times < 27 * 86_400], rates[times < 27 * 86_400])
    assert threshold.per_week(noon) == other.per_week(27 * 86_400)


def test_hours_of_a_clock_that_was_ahead_are_forgotten():
    times, rates = hourly(2)
    threshold, ahead = GroupThreshold(BUDGET), GroupThreshold(BUDGET)
    threshold.add(times, rates)
    ahead.add(times + 40 * WEEK, rates / 100)
    ahead.forget_after(2 * WEEK)
    ahead.add(times, rates)
    assert ahead.per_week(2 * WEEK) == threshold.per_week(2 * WEEK)


def test_an_excursion_counts_again_only_where_it_becomes_rarer():
    times = 600 * np.arange(1, 15)
    rates = np.array([9, 3, 3, 1, 2, 5, 1, 9, 9, 9, 9, 9, 9, 2.0])
    expected = [9, 3, np.inf, 1, *[np.inf] * 9, 2]
    lows, found = no_lows(2), []
    for first in (0, 5):
        part = slice(first, 5 if first == 0 else 14)
        both = np.stack([rates[part], np.full(len(rates[part]), np.inf)])
        found += find_new_lows(lows, times[part], both).tolist()
    assert found == expected
