"""What a person revoked as routine is flagged each time, and never becomes routine again."""

from functools import partial

import numpy as np
import pytest

from features.timeseries.state import EXCURSIONS
from models.base.series_model import SeriesScores
from models.timeseries.anomaly_model import AnomalyModel
from models.timeseries.revoked_routines import RevokedRoutine, forget_routine, update_revoked
from models.timeseries.routines import Routine, find_routines

DAY, HOUR = 86_400, 3_600
BEGIN = 1_767_571_200  # a Monday
REVOKED_ON, DAYS = 30, 48
SMALL_BUDGET = 0.02


def runs(step: int, hour: int, size: float, minutes: int = 30) -> np.ndarray:
    into = step * np.arange(DAYS * DAY // step) % DAY - hour * HOUR
    return size * ((into >= 0) & (into < 60 * minutes))


def noise(step: int, spread: float) -> np.ndarray:
    return spread * np.random.default_rng(1).standard_normal(DAYS * DAY // step)


class Revoked:
    """A series whose routines are revoked on a day, and which is then scored in chunks."""

    def __init__(self, values: np.ndarray, step: int, *, tier="full", chosen=None, chunk=DAY):
        model = AnomalyModel(tier=tier, step_seconds=step)
        self.step, self.values = step, values
        self.times = BEGIN + step * np.arange(len(values))
        self.states = model.start(1)
        first = REVOKED_ON * DAY // step
        parts = [model.update(self.states, self.times[:first], values[None, :first])]
        self.before = find_routines(self.states[0])
        self.revoked = [
            RevokedRoutine(0, one.lower, one.upper)
            for one in self.before
            if chosen is None or chosen(one)
        ]
        for begin in range(first, len(values), chunk // step):
            part = slice(begin, begin + chunk // step)
            times = self.times[part]
            parts.append(
                update_revoked(
                    self.revoked, model.update, step, self.states, times, values[None, part], times
                )
            )
        self.scores = SeriesScores.joined(parts).of_series(0)

    def flagged_days(self, hour: int, budget: float = 1.0) -> set[int]:
        """Return the days with a flagged point within an hour after this hour of the day."""
        at = self.times[self.scores.alarms_per_week <= budget] - BEGIN
        into = at % DAY - hour * HOUR
        return {int(day) for day in at[(into >= 0) & (into < HOUR)] // DAY}

    def after(self) -> tuple[Routine, ...]:
        return find_routines(self.states[0])


AFTER = set(range(REVOKED_ON, DAYS))


@pytest.mark.parametrize("tier", ["full", "light"])
@pytest.mark.parametrize(("step", "size"), [(300, 580), (300, 100), (60, 580)])
def test_a_revoked_daily_job_is_flagged_on_each_day_from_the_next_on(tier, step, size):
    """At a small budget too, though the time of day and the hourly peaks had learned the job."""
    series = Revoked(320 + noise(step, 10) + runs(step, 6, size), step, tier=tier)
    assert series.before
    assert len(series.flagged_days(6) & set(range(15, REVOKED_ON))) <= 1
    assert series.flagged_days(6) >= AFTER
    assert series.flagged_days(6, SMALL_BUDGET) >= AFTER
    assert series.after() == ()


@pytest.mark.parametrize(("step", "minutes"), [(300, 120), (900, 60), (3_600, 120)])
def test_a_revoked_job_that_the_time_of_day_had_learned_is_flagged(step, minutes):
    series = Revoked(320 + noise(step, 10) + runs(step, 7, 580, minutes), step)
    assert series.flagged_days(7) >= AFTER


def test_another_routine_of_the_series_stays_routine():
    step = 300
    values = 40 + noise(step, 1) + runs(step, 6, 220) + runs(step, 18, -30)
    series = Revoked(values, step, chosen=lambda routine: routine.upper > 200)
    assert len(series.revoked) == 1
    assert series.flagged_days(6) >= AFTER
    assert not series.flagged_days(18) & AFTER
    assert {routine.upper < 60 for routine in series.after()} == {True}


def test_flags_outside_the_routine_are_as_rare_as_before():
    step = 300
    series = Revoked(320 + noise(step, 10) + runs(step, 6, 580), step)
    others = [series.flagged_days(hour) & AFTER for hour in range(24) if hour not in (5, 6, 7)]
    assert sum(map(len, others)) <= 3


def test_minute_by_minute_the_first_minutes_are_flagged():
    step = 60
    values = (320 + noise(step, 10) + runs(step, 6, 580))[: 33 * DAY // step]
    series = Revoked(values, step, chunk=step)
    assert series.flagged_days(6, SMALL_BUDGET) >= {30, 31, 32}
    begin = (31 * DAY + 6 * HOUR) // step
    assert (series.scores.alarms_per_week[begin : begin + 3] == 0).any()


def test_other_series_and_series_without_revocations_are_scored_as_without():
    step = 300
    model = AnomalyModel(step_seconds=step)
    values = np.stack([320 + noise(step, 10) + runs(step, 6, 580), 20 + noise(step, 1)])
    times = BEGIN + step * np.arange(values.shape[1])
    plain_states = model.start(2)
    plain = model.update(plain_states, times, values)
    for revoked in ([], [RevokedRoutine(0, 300.0, 930.0)]):
        states = model.start(2)
        scores = update_revoked(revoked, model.update, step, states, times, values, times)
        rows = slice(1, 2) if revoked else slice(None)
        for name in ("score", "alarms_per_week", "expected", "lower", "upper", "channel"):
            one, other = getattr(scores, name)[rows], getattr(plain, name)[rows]
            assert np.array_equal(one, other, equal_nan=True), name
        assert states[rows].tobytes() == plain_states[rows].tobytes()


def test_what_is_forgotten_leaves_the_others_the_newest_first():
    step = 300
    model = AnomalyModel(step_seconds=step)
    states = model.start(1)
    values = 40 + noise(step, 1) + runs(step, 6, 220) + runs(step, 18, -30)
    times = BEGIN + step * np.arange(len(values))
    model.update(states, times, values[None])
    forget = partial(forget_routine, states[0], shift=0.0, step_seconds=step)
    forget(30.0, 265.0)
    begins = states["excursions_at"][0]
    kept = np.count_nonzero(begins)
    assert 0 < kept < EXCURSIONS
    assert (begins[kept:] == 0).all()
    assert (np.diff(begins[:kept]) < 0).all()
    assert (np.abs(states["excursions"][0, :kept, 0]) < 60).all()
    assert (states["excursions"][0, kept:] == 0).all()
    forget(5.0, 45.0)
    assert find_routines(states[0], with_current=False) == ()


def test_an_empty_state_has_nothing_to_forget():
    states = AnomalyModel(step_seconds=300).start(1)
    before = states.tobytes()
    forget_routine(states[0], 1.0, 2.0, shift=0.0, step_seconds=300)
    assert states.tobytes() == before


@pytest.mark.parametrize("points", [0, 1])
def test_a_series_without_a_past_may_have_revoked_routines(points):
    model = AnomalyModel(step_seconds=300)
    times = BEGIN + 300 * np.arange(points)
    revoked = [RevokedRoutine(0, -1e308, 1e308), RevokedRoutine(0, 0.0, 1e-320)]
    scores = update_revoked(
        revoked, model.update, 300, model.start(1), times, np.ones((1, points)), times
    )
    assert scores.score.shape == (1, points)
