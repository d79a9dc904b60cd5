"""What moves while an incident is open is not learned; all else is learned as ever."""

import numpy as np
import pytest

from models.timeseries.anomaly_model import AnomalyModel
from models.timeseries.unlearned_moves import UnlearnedMoves

STEP, HOUR, DAY = 300, 3_600, 86_400
LEARNED = 21 * DAY
BEGIN = 1_767_571_200  # a Monday


def course(days: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    times = BEGIN + STEP * np.arange(days * DAY // STEP)
    noise = np.random.default_rng(seed).standard_normal(len(times))
    return times, 20 + 5 * np.sin(2 * np.pi * times / DAY) + 0.5 * noise


def scored(times, rows, trouble, points_at_once=10**6):
    """Return the states of the rows, and their alarms a week, read in chunks of some points."""
    model = AnomalyModel(step_seconds=STEP)
    values = np.stack(rows)
    states = model.start(len(rows))
    moves, alarms = UnlearnedMoves(trouble, model, np.empty((len(rows), 0))), []
    for first in range(0, len(times), points_at_once):
        part = slice(first, first + points_at_once)
        new = moves.update(states, times[part], values[:, part], times[part])
        alarms.append(new.alarms_per_week)
    return states, np.concatenate(alarms, axis=1)


def usual(state) -> float:
    """Return the mean of what is usual over the times of day."""
    return float(state["origin"] + state["season"][:, 0].mean())


def shifted(times, values, begin, end, by=15.0):
    return values + by * ((times >= BEGIN + begin) & (times < BEGIN + end))


def open_for(*spans):
    return tuple((float(BEGIN + begin), float(BEGIN + end)) for begin, end in spans)


def test_a_level_shift_stays_flagged_while_the_incident_is_open_and_is_learned_without_it():
    times, values = course(28)
    moved = shifted(times, values, LEARNED, 28 * DAY)
    trouble = {0: open_for((LEARNED + 600, 28 * DAY))}
    held, alarms = scored(times, [moved], trouble)
    free, _ = scored(times, [moved], {})
    assert (alarms[0, times >= BEGIN + 27 * DAY] <= 1).mean() > 0.95
    assert usual(held[0]) == pytest.approx(20, abs=1)
    assert usual(free[0]) > 25


def test_learning_goes_on_once_the_incident_is_over():
    times, values = course(28)
    moved = shifted(times, values, LEARNED, 28 * DAY)
    states, _ = scored(times, [moved], {0: open_for((LEARNED + 600, 22 * DAY))})
    assert usual(states[0]) > 25


@pytest.mark.parametrize("is_open", [True, False])
def test_trouble_that_comes_back_during_incidents_does_not_become_routine(is_open):
    times, values = course(36)
    days = range(21, 36)
    spans = [(day * DAY + 9 * HOUR, day * DAY + 10 * HOUR) for day in days]
    for span in spans:
        values = shifted(times, values, *span)
    incidents = open_for(*((begin + 300, end + HOUR) for begin, end in spans))
    _, alarms = scored(times, [values], {0: incidents} if is_open else {})
    begin, end = spans[-1]
    last = (times >= BEGIN + begin) & (times < BEGIN + end)
    assert bool((alarms[0, last] <= 0.2).any()) is is_open


@pytest.mark.parametrize("points_at_once", [1, 50])
@pytest.mark.parametrize("size", [15.0, 400.0])
@pytest.mark.parametrize("opened_after", [STEP, 3 * STEP, 2 * HOUR])
def test_trouble_is_over_once_the_values_are_usual(size, opened_after, points_at_once):
    times, values = course(22)
    end = LEARNED + 4 * HOUR
    moved = shifted(times, values, LEARNED, end, by=size)
    trouble = {0: open_for((LEARNED + opened_after, 22 * DAY))}
    _, alarms = scored(times, [moved], trouble, points_at_once)
    in_trouble = (times >= BEGIN + LEARNED + opened_after) & (times < BEGIN + end)
    assert (alarms[0, in_trouble] <= 1).all()
    assert (alarms[0, times >= BEGIN + end + STEP] > 1).all()


def test_series_that_do_not_move_and_those_of_other_services_learn_as_ever():
    times, values = course(24)
    rows = [shifted(times, values, 23 * DAY, 23 * DAY + HOUR), course(24, 1)[1], values + 1]
    trouble = open_for((23 * DAY, 24 * DAY))
    held, held_alarms = scored(times, rows, {0: trouble, 2: trouble})
    free, free_alarms = scored(times, rows, {})
    assert held[1] == free[1]
    assert held[0] != free[0]
    np.testing.assert_array_equal(held_alarms[1], free_alarms[1])
    quiet = (free_alarms[2, times >= BEGIN + 23 * DAY] > 1).all()
    assert quiet
    assert held[2] == free[2]


def test_without_new_points_nothing_changes():
    times, values = course(22)
    model, states = AnomalyModel(step_seconds=STEP), AnomalyModel(step_seconds=STEP).start(1)
    moved = shifted(times, values, 22 * DAY - 2 * STEP, 22 * DAY)[np.newaxis]
    moves = UnlearnedMoves({}, model, np.empty((1, 0)))
    moves.update(states, times, moved, times)
    before, usual, none = states.tobytes(), dict(moves.usual), times[:0]
    assert usual
    assert moves.update(states, none, moved[:, :0], none).score.shape == (1, 0)
    assert states.tobytes() == before
    assert moves.usual == usual


def test_it_does_not_matter_how_the_points_are_split():
    times, values = course(24)
    rows = [shifted(times, values, 23 * DAY, 23 * DAY + HOUR), values]
    trouble = {row: open_for((23 * DAY + 600, 23 * DAY + 7 * HOUR)) for row in range(2)}
    whole, whole_alarms = scored(times, rows, trouble)
    parts, part_alarms = scored(times, rows, trouble, points_at_once=7)
    np.testing.assert_array_equal(whole_alarms, part_alarms)
    assert whole.tobytes() == parts.tobytes()
    assert (whole["seen_until"] == times[-1]).all()
