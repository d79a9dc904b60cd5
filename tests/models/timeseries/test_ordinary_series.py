"""Ordinary series keep their budget of false alarms, and trouble in them is still flagged."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest

from models.timeseries.anomaly_flags import Flag, find_flags
from models.timeseries.anomaly_model import AnomalyModel
from models.timeseries.routines import Routine, find_routines

STEP, DAY, HOUR = 300, 86_400, 3_600
WEEK = 7 * DAY
BEGIN = 1_767_571_200  # a Monday
LEARNED_DAYS = 21


class Observed:
    """A series that is scored from its beginning; `times` count seconds from a Monday."""

    def __init__(self, values: np.ndarray, step: int = STEP) -> None:
        self._values, self._step = values, step
        self._model = AnomalyModel(step_seconds=step)
        self._states = self._model.start(1)
        times = BEGIN + step * np.arange(len(values))
        self._times = times
        self._scores = self._model.update(self._states, times, values[None]).of_series(0)

    def flags(self, budget: float = 1.0) -> Sequence[Flag]:
        return find_flags(
            self._times,
            self._values,
            self._scores,
            budget_per_week=budget,
            step_seconds=self._step,
        )

    def flags_a_week(self, budget: float = 1.0, *, since_day: int = LEARNED_DAYS) -> float:
        since = BEGIN + since_day * DAY
        flags = [flag for flag in self.flags(budget) if flag.detected_at.timestamp() >= since]
        return len(flags) * WEEK / (self._times[-1] - since)

    def flags_between(self, begin: float, end: float, budget: float = 1.0) -> Sequence[Flag]:
        """Return the flags raised in this time, given in seconds from the beginning."""
        return [
            flag
            for flag in self.flags(budget)
            if begin <= flag.detected_at.timestamp() - BEGIN <= end
        ]

    def routines(self) -> Sequence[Routine]:
        return find_routines(self._states[0])


def clock(days: int, step: int = STEP) -> np.ndarray:
    return step * np.arange(days * DAY // step)


def noise(times: np.ndarray, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(len(times))


def traffic(times: np.ndarray, seed: int) -> np.ndarray:
    hours = times % DAY / HOUR
    shape = 100 + 500 * np.exp(-(((hours - 13) / 4) ** 2))
    return shape * (1 + 0.04 * noise(times, seed))


def job(days: int, seed: int, *, skipped: int = -1) -> np.ndarray:
    times = clock(days)
    running = (times % DAY >= 7 * HOUR) & (times % DAY < 7 * HOUR + 1_500)
    return 40 + noise(times, seed) + 220 * (running & (times // DAY != skipped))


@pytest.mark.parametrize("seed", range(3))
def test_a_daily_job_keeps_the_budget_after_two_weeks(seed):
    assert Observed(job(60, seed)).flags_a_week(since_day=14) <= 1.3


@pytest.mark.parametrize("seed", range(3))
def test_a_missing_run_of_a_daily_job_is_flagged_within_the_hour(seed):
    due = 40 * DAY + 7 * HOUR
    assert Observed(job(45, seed, skipped=40)).flags_between(due, due + HOUR)


@pytest.mark.parametrize(("longer", "higher"), [(4, 1.0), (1, 2.5)])
def test_a_longer_or_higher_run_is_flagged(longer, higher):
    values, begin = job(45, 0), 40 * DAY + 7 * HOUR
    run = slice(begin // STEP, begin // STEP + longer * 1_500 // STEP)
    values[run] = 40 + 220 * higher + noise(clock(1), 9)[: run.stop - run.start]
    assert Observed(values).flags_between(begin, begin + longer * 1_500 + HOUR)


@pytest.mark.parametrize("seed", range(3))
def test_pauses_at_random_times_keep_the_budget(seed):
    times = clock(120)
    pauses = np.random.default_rng(seed + 50).random(len(times)) < 2 * STEP / DAY
    assert Observed(30 + noise(times, seed) + 150 * pauses).flags_a_week() <= 1.3


@pytest.mark.parametrize("seed", range(3))
def test_five_deploys_a_week_keep_the_budget(seed):
    values, rng = traffic(clock(90), seed), np.random.default_rng(seed)
    for day in range(90):
        if day % 7 < 5:
            begin = int(day * DAY + rng.uniform(9, 17) * HOUR) // STEP
            values[begin : begin + 2] *= 0.3
    assert Observed(values).flags_a_week() <= 1.3


@pytest.mark.parametrize("seed", range(3))
def test_a_nightly_batch_of_varying_length_keeps_the_budget(seed):
    times, rng = clock(120), np.random.default_rng(seed)
    values = 25 + noise(times, seed)
    for night in range(120):
        begin = (night * DAY + HOUR) // STEP
        values[begin : begin + int(18 * np.exp(0.35 * rng.standard_normal()))] += 120
    assert Observed(values).flags_a_week() <= 1.3


@pytest.mark.parametrize("seed", range(3))
def test_replicas_of_an_autoscaler_keep_the_budget(seed):
    times = clock(120)
    replicas = np.round(traffic(times, seed) / 90)
    assert Observed(replicas).flags_a_week() <= 1.3


def errors(seed: int, days: int = 90) -> np.ndarray:
    times = clock(days)
    return (np.random.default_rng(seed).random(len(times)) < 0.01).astype(float)


@pytest.mark.parametrize("seed", range(3))
def test_rare_errors_keep_the_budget_and_a_burst_is_flagged(seed):
    values = errors(seed)
    assert Observed(values).flags_a_week() <= 1.3
    begin = 70 * DAY + 5 * HOUR
    burst = np.random.default_rng(seed).poisson(20 * STEP / HOUR, HOUR // STEP)
    values[begin // STEP : (begin + HOUR) // STEP] += burst
    assert Observed(values).flags_between(begin, begin + HOUR)


@pytest.mark.parametrize("step", [60, 300])
def test_errors_in_a_series_that_is_hardly_ever_above_zero_keep_the_budget(step):
    times = clock(120, step)
    single = (np.random.default_rng(7).random(len(times)) < 0.7 * step / DAY).astype(float)
    assert Observed(single, step).flags_a_week() <= 1.0


def backups(seed: int, *, skipped: int = -1) -> np.ndarray:
    times = clock(91)
    into = times % WEEK - (5 * DAY + 3 * HOUR)
    running = (into >= 0) & (into < HOUR) & (times // WEEK != skipped)
    return 50 + 2 * noise(times, seed) + 400 * running


@pytest.mark.parametrize("seed", range(3))
def test_a_weekly_backup_is_expected_after_three_weeks(seed):
    assert Observed(backups(seed)).flags_a_week(0.2) <= 0.2


@pytest.mark.parametrize("seed", range(3))
def test_a_week_without_its_backup_is_flagged(seed):
    due = 10 * WEEK + 5 * DAY + 3 * HOUR
    assert Observed(backups(seed, skipped=10)).flags_between(due, due + HOUR)


def test_a_missing_run_is_flagged_in_an_hourly_series_that_begins_with_a_run():
    times = clock(45, HOUR)
    running = (times % DAY < HOUR) & (times // DAY != 40)
    observed = Observed(40 + noise(times, 2) + 220 * running, HOUR)
    assert observed.flags_between(40 * DAY, 40 * DAY + 2 * HOUR)


@pytest.mark.parametrize("step", [60, 300, 900])
def test_a_frozen_value_is_flagged_within_the_hour(step):
    values, begin = traffic(clock(40, step), 1), 33 * DAY + 10 * HOUR
    frozen = slice(begin // step, (begin + 6 * HOUR) // step)
    values[frozen] = values[frozen.start]
    (flag, *_) = Observed(values, step).flags_between(begin, begin + HOUR)
    assert flag.channel == "frozen"


def test_a_series_whose_values_often_repeat_is_not_frozen():
    times = clock(120)
    values = np.round(noise(times, 0))
    assert Observed(values).flags_a_week() <= 1.3


@pytest.mark.parametrize(("step", "hours"), [(HOUR, 6), (900, 3), (300, 2), (60, 1)])
def test_silence_is_flagged_after_a_time_whatever_the_step(step, hours):
    values, begin = traffic(clock(40, step), 2), 35 * DAY + 3 * HOUR
    values[begin // step : (begin + hours * HOUR) // step] = np.nan
    (flag, *_) = Observed(values, step).flags_between(begin, begin + HOUR)
    assert flag.direction == "gap"


def test_silence_of_every_night_is_usual():
    times = clock(90)
    values = traffic(times, 3)
    values[times % DAY < 4 * HOUR] = np.nan
    assert Observed(values).flags_a_week() <= 1.0


def test_excursions_that_merely_recur_stay_flagged():
    times, rng = clock(60), np.random.default_rng(4)
    values = 100 + noise(times, 4)
    for number, day in enumerate(range(30, 58, 2)):
        begin = int(day * DAY + rng.uniform(0, 20) * HOUR) // STEP
        values[begin : begin + 4 + 2 * number] += (1 if number % 2 else -1) * 15 * 1.6**number
    assert Observed(values).flags_a_week(since_day=30) >= 2.5


def test_what_became_routine_is_told():
    (routine, *_) = Observed(job(60, 1)).routines()
    assert (routine.at, routine.every) == ("07:00", "day")
    assert routine.days_seen >= 10
    assert 200 <= routine.upper <= 300
    assert routine.duration_seconds <= 2 * HOUR


def test_a_weekly_routine_is_told_by_its_weekday():
    routines = Observed(backups(1)).routines()
    assert ("Saturday 03:00", "week") in {(one.at, one.every) for one in routines}
    assert datetime.fromtimestamp(BEGIN, UTC).weekday() == 0


def test_noise_before_some_runs_does_not_move_their_beginning():
    values, begin = backups(1), 5 * DAY + 3 * HOUR
    for week in range(1, 13, 2):
        values[(week * WEEK + begin) // STEP - 10] += 30
    routines = Observed(values).routines()
    assert ("Saturday 03:00", "week") in {(one.at, one.every) for one in routines}


def test_plain_noise_has_no_routines():
    assert Observed(40 + noise(clock(60), 0)).routines() == ()
