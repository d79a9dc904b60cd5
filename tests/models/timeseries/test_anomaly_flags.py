"""Flags: what is taken as one, from when to when, how far it went and which way."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from features.timeseries.state import CHANNELS, GAP
from models.base.series_model import SeriesScores
from models.timeseries.anomaly_flags import Flag, find_flags

STEP = 300
HOUR = 3_600 // STEP
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
USUAL = 10.0


class Drawn:
    """A flat series about which a test says what was found."""

    def __init__(self, points: int = 10 * HOUR) -> None:
        self.values = np.full(points, USUAL)
        self.rates = np.full(points, 300.0)
        self.score = np.zeros(points)
        self.channel = np.zeros(points, np.int8)

    def anomaly(self, at: int, value: float = 15.0, *, rate: float = 0.5, score: float = 2.0):
        self.values[at], self.rates[at], self.score[at] = value, rate, score
        return self

    def flags(self, budget_per_week: float = 1.0) -> tuple[Flag, ...]:
        expected = np.full(len(self.values), USUAL)
        scores = SeriesScores(
            self.score, self.rates, expected, expected - 1, expected + 1, self.channel
        )
        times = int(BEGIN.timestamp()) + STEP * np.arange(len(self.values))
        return find_flags(
            times, self.values, scores, budget_per_week=budget_per_week, step_seconds=STEP
        )


def at(point: int) -> datetime:
    return BEGIN + timedelta(seconds=STEP * point)


def test_nothing_unusual_is_no_flag():
    assert Drawn().flags() == ()
    assert Drawn(0).flags() == ()


def test_a_point_at_the_budget_is_flagged_and_one_above_is_not():
    assert len(Drawn().anomaly(20, rate=1.0).flags()) == 1
    assert Drawn().anomaly(20, rate=1.01).flags() == ()
    assert len(Drawn().anomaly(20, rate=1.01).flags(budget_per_week=2.0)) == 1


def test_points_within_an_hour_are_one_flag():
    one = Drawn().anomaly(20).anomaly(20 + HOUR)
    (flag,) = one.flags()
    assert (flag.detected_at, flag.ended_at) == (at(20), at(20 + HOUR))
    two = Drawn().anomaly(20).anomaly(21 + HOUR)
    assert [flag.detected_at for flag in two.flags()] == [at(20), at(21 + HOUR)]


def test_each_point_may_be_an_hour_after_the_one_before():
    drawn = Drawn()
    for hour in range(1, 6):
        drawn.anomaly(hour * HOUR)
    (flag,) = drawn.flags()
    assert flag.ended_at == at(5 * HOUR)


def test_the_onset_goes_back_over_points_that_are_nearly_as_rare():
    drawn = Drawn().anomaly(30)
    drawn.rates[27:30] = 19.0
    (flag,) = drawn.flags()
    assert (flag.onset_at, flag.detected_at) == (at(27), at(30))
    drawn.rates[28] = 21.0
    assert drawn.flags()[0].onset_at == at(29)


def test_the_onset_goes_back_no_more_than_half_an_hour():
    drawn = Drawn().anomaly(30)
    drawn.rates[:30] = 5.0
    assert drawn.flags()[0].onset_at == at(24)


def test_the_effect_is_the_mean_distance_on_the_side_of_the_farthest_point():
    (flag,) = Drawn().anomaly(20, 14.0).anomaly(21, 18.0).anomaly(22, 9.0).flags()
    assert flag.effect == pytest.approx((4 + 8) / 2)
    assert (flag.value, flag.expected, flag.direction) == (18.0, USUAL, "up")


def test_a_fall_has_a_negative_effect():
    (flag,) = Drawn().anomaly(20, 2.0).anomaly(21, 12.0).flags()
    assert (flag.effect, flag.value, flag.direction) == (-8.0, 2.0, "down")


def test_what_was_expected_exactly_has_no_effect():
    (flag,) = Drawn().anomaly(20, USUAL).flags()
    assert (flag.effect, flag.value) == (0.0, USUAL)


def test_missing_points_between_do_not_disturb_the_effect():
    (flag,) = Drawn().anomaly(20, 14.0).anomaly(21, np.nan).anomaly(22, 14.0).flags()
    assert (flag.effect, flag.direction) == (4.0, "up")


def test_score_and_channel_are_those_of_the_peak_and_the_rate_is_the_lowest():
    drawn = Drawn().anomaly(20, score=2.0, rate=0.4).anomaly(21, score=3.0, rate=0.2)
    drawn.channel[20:22] = 0, 1
    (flag,) = drawn.flags()
    assert (flag.score, flag.channel, flag.alarms_per_week) == (3.0, CHANNELS[1], 0.2)


def test_a_flag_has_ended_an_hour_after_its_last_point():
    points = 10 * HOUR
    assert Drawn(points).anomaly(points - 1 - HOUR).flags()[0].ended_at is None
    ended = Drawn(points).anomaly(points - 2 - HOUR).flags()[0].ended_at
    assert ended == at(points - 2 - HOUR)


def test_a_flag_lasts_for_a_step_where_that_is_longer_than_an_hour():
    times, nothing = 86_400 * np.arange(5), np.zeros(5)
    rates = np.array([300.0, 300, 300, 0.5, 300])
    scores = SeriesScores(nothing, rates, nothing, nothing, nothing, nothing.astype(np.int8))
    (flag,) = find_flags(times, nothing + 1, scores, budget_per_week=1, step_seconds=86_400)
    assert flag.ended_at is None


def gap(points: int = 10 * HOUR, *, until: int) -> Drawn:
    """Values miss from point 20 on, which is rare from point 35 to 40."""
    drawn = Drawn(points)
    drawn.values[20:until] = np.nan
    drawn.rates[20:until] = np.inf
    drawn.rates[35:41] = 0.5
    drawn.channel[20:until] = GAP
    return drawn


def test_a_gap_begins_with_the_first_missing_value():
    (flag,) = gap(until=60).flags()
    assert (flag.onset_at, flag.detected_at) == (at(20), at(35))
    assert (flag.direction, flag.channel) == ("gap", "gap")
    assert np.isnan([flag.effect, flag.value]).all()


def test_a_gap_lasts_while_nothing_comes():
    assert gap(until=10 * HOUR).flags()[0].ended_at is None


def test_a_gap_ends_with_the_last_missing_value():
    assert gap(until=60).flags()[0].ended_at == at(59)
    assert gap(until=10 * HOUR - 1).flags()[0].ended_at == at(10 * HOUR - 2)


def test_a_series_that_never_came_is_missing_from_the_start():
    drawn = gap(until=60)
    drawn.values[:60] = np.nan
    assert drawn.flags()[0].onset_at == at(0)
