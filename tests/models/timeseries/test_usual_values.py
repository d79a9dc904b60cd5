"""What an excursion taught is taken out of the usual values of the day and the week, not more."""

import numpy as np
import pytest

from models.timeseries.anomaly_model import AnomalyModel
from models.timeseries.usual_values import unlearn

STEP, HOUR, DAY = 300, 3_600, 86_400
BEGIN = 1_767_571_200  # a Monday


def learned(size: float) -> np.ndarray:
    """The states of a series that rises by 1 an hour, with a run from 7:00 to 7:30 each day."""
    times = BEGIN + STEP * np.arange(28 * DAY // STEP)
    into = times % DAY
    running = (into >= 7 * HOUR) & (into < 7.5 * HOUR)
    noise = 0.1 * np.random.default_rng(0).standard_normal(len(times))
    model = AnomalyModel(step_seconds=STEP)
    states = model.start(1)
    model.update(states, times, (into / HOUR + noise + size * running)[None])
    return states


@pytest.mark.parametrize("size", [5.0, -5.0])
def test_the_usual_values_of_the_run_are_those_around_it(size):
    states = learned(size)
    season = states["season"][0]
    slots = slice(7 * 12, 7 * 12 + 6)
    origin = states["origin"][0]
    assert abs(season[slots, 0] + origin - 7.2).max() > 2
    others = np.delete(season, np.arange(6 * 12 + 6, 8 * 12 + 1), axis=0).copy()
    unlearn(states[0], BEGIN + 7 * HOUR, BEGIN + 7.4 * HOUR, size, STEP)
    assert abs(season[slots, 0] + origin - np.linspace(7.0, 7.4, 6)).max() < 0.6
    after = np.delete(season, np.arange(6 * 12 + 6, 8 * 12 + 1), axis=0)
    assert np.array_equal(others, after)


def test_what_deviates_the_other_way_stays():
    states = learned(5.0)
    levels = states["season"][0, :, 0].copy()
    unlearn(states[0], BEGIN + 7 * HOUR, BEGIN + 7.4 * HOUR, -5.0, STEP)
    inside = slice(7 * 12, 7 * 12 + 6)
    assert np.array_equal(states["season"][0, inside, 0], levels[inside])


def test_a_run_across_midnight_is_levelled_on_both_sides():
    states = learned(5.0)
    season = states["season"][0]
    season[[0, 1, 286, 287], 0] += 100
    unlearn(states[0], BEGIN + DAY - 600, BEGIN + DAY + 600, 5.0, STEP)
    assert season[[0, 1, 286, 287], 0].max() < 50


def test_an_excursion_of_a_whole_day_teaches_nothing_that_could_be_told_apart():
    states = learned(5.0)
    before = states["season"].copy()
    unlearn(states[0], BEGIN, BEGIN + DAY, 5.0, STEP)
    assert np.array_equal(states["season"], before)
