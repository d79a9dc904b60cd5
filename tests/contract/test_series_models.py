"""One list of small named checks that every model of metric series passes, in each of its tiers."""

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from models.base.series_model import SeriesModel, SeriesScores
from models.timeseries.anomaly_model import TIERS, AnomalyModel

STEP = 300
DAY = 86_400 // STEP
HOUR = DAY // 24
START = 1_700_006_400
ARRAYS = ("score", "alarms_per_week", "expected", "lower", "upper", "channel")


def times_of(points: int, first: int = 0) -> np.ndarray:
    return START + STEP * np.arange(first, first + points)


def daily(days: int, *, seed: int = 0, noise: float = 0.3) -> np.ndarray:
    """A wave about 10 that is highest six hours into the day, lowest after eighteen."""
    points = np.arange(days * DAY)
    drawn = np.random.default_rng(seed).standard_normal(len(points))
    return 10 + 3 * np.sin(2 * np.pi * points / DAY) + noise * drawn


def score(model: SeriesModel, *series: np.ndarray) -> SeriesScores:
    values = np.array(series)
    return model.update(model.start(len(values)), times_of(values.shape[1]), values)


def agree(one: SeriesScores, other: SeriesScores, part: object = ...) -> None:
    for name in ARRAYS:
        assert np.array_equal(getattr(one, name), getattr(other, name)[part], equal_nan=True), name


def with_gaps(days: int) -> np.ndarray:
    values = daily(days)
    values[700:740] = np.nan
    values[-DAY] = 40.0
    return values


def later_points_change_no_earlier_score(model) -> None:
    values = with_gaps(8)
    cut = 6 * DAY + 7
    agree(score(model, values[:cut]), score(model, values), (slice(None), slice(cut)))


def any_chunking_gives_the_same_scores(model) -> None:
    values = with_gaps(8)
    whole = score(model, values)
    for edges in ([0, 1, 2, 705, 2_000, len(values)], [*range(1_700), len(values)]):
        states = model.start(1)
        for begin, end in pairwise(edges):
            part = model.update(states, times_of(end - begin, begin), values[None, begin:end])
            agree(part, whole, (slice(None), slice(begin, end)))


def kept_bytes_go_on_where_they_were(model) -> None:
    values, cut = np.array([with_gaps(8), daily(8, seed=1)]), 6 * DAY
    states = model.start(2)
    model.update(states, times_of(cut), values[:, :cut])
    saved = b"".join(row.tobytes() for row in states)
    later = times_of(2 * DAY, cut)
    again = model.update(model.restore(saved), later, values[:, cut:])
    agree(again, model.update(states, later, values[:, cut:]))


def series_are_independent_of_each_other(model) -> None:
    series = [with_gaps(8), daily(8, seed=1), np.full(8 * DAY, np.nan), np.full(8 * DAY, 1e308)]
    together = score(model, *series)
    agree(score(model, *series[::-1]), together, slice(None, None, -1))
    for row, values in enumerate(series):
        agree(score(model, values), together, slice(row, row + 1))


def inputs_are_not_mutated(model) -> None:
    times, values = times_of(8 * DAY), with_gaps(8)[None]
    copies = times.copy(), values.copy()
    model.update(model.start(1), times, values)
    assert np.array_equal(times, copies[0])
    assert np.array_equal(values, copies[1], equal_nan=True)


def a_state_keeps_its_size(model) -> None:
    states = model.start(1)
    size = len(states[0].tobytes())
    model.update(states, times_of(9 * DAY), daily(9)[None])
    assert len(states[0].tobytes()) == size < 20_000


def times_must_rise(model) -> None:
    for times in ([0, 0], [60, 0], [0, 120, 60]):
        with pytest.raises(ValueError, match="rise"):
            model.update(model.start(1), np.array(times), np.zeros((1, len(times))))


def times_must_follow_what_was_seen(model) -> None:
    states = model.start(1)
    model.update(states, times_of(3), np.zeros((1, 3)))
    before = states.tobytes()
    for first in (0, 2):
        with pytest.raises(ValueError, match="later points"):
            model.update(states, times_of(3, first), np.zeros((1, 3)))
    assert states.tobytes() == before
    model.update(states, times_of(1, 3), np.zeros((1, 1)))


def no_points_change_nothing(model) -> None:
    states = model.start(2)
    before = states.tobytes()
    scores = model.update(states, np.zeros(0, np.int64), np.zeros((2, 0)))
    assert scores.score.shape == (2, 0)
    assert states.tobytes() == before
    assert model.update(model.start(0), times_of(3), np.zeros((0, 3))).score.shape == (0, 3)


def points_before_1970_and_in_2262_are_scored(model) -> None:
    for first in (-86_400, 9_223_000_000):
        scores = model.update(model.start(1), first + times_of(DAY) - START, daily(1)[None])
        assert np.isfinite(scores.score).all()


def a_constant_is_unsurprising_and_its_first_other_value_is_not(model) -> None:
    values = np.full(12 * DAY, 5.0)
    values[-1] = 5.01
    scores = score(model, values)
    assert scores.score[0, :-1].max() < 0.2
    assert scores.alarms_per_week[0, :-1].min() > 50
    assert scores.alarms_per_week[0, -1] < 0.5
    assert scores.expected[0, -1] == pytest.approx(5.0)


def rates_are_unknown_before_five_days(model) -> None:
    rate = score(model, daily(7)).alarms_per_week[0]
    assert np.isinf(rate[: 5 * DAY]).all()
    assert np.isfinite(rate[5 * DAY + 1 :]).all()


def rates_fall_as_scores_rise(model) -> None:
    values = daily(8)
    rates, scores = [], []
    for jump in np.linspace(0, 20, 15):
        values[-1] = 10 + jump
        judged = score(model, values)
        rates.append(judged.alarms_per_week[0, -1])
        scores.append(judged.score[0, -1])
    order = np.argsort(scores)
    assert np.ptp(scores) > 1
    assert (np.diff(np.array(rates)[order]) <= 0).all()


def hours_of_trouble_do_not_become_normal(model) -> None:
    usual, begin = daily(21), 14 * DAY + 100
    troubled = usual.copy()
    troubled[begin : begin + 6 * HOUR] += 8
    scores, without = score(model, troubled), score(model, usual)
    assert scores.alarms_per_week[0, begin : begin + 6 * HOUR].min() < 0.1
    day_later = slice(begin + DAY, begin + DAY + 6 * HOUR)
    assert np.abs(scores.expected - without.expected)[0, day_later].max() < 0.1 * 8
    assert scores.alarms_per_week[0, day_later].min() > 1


def a_new_level_is_accepted_within_days(model) -> None:
    values, begin = daily(24), 14 * DAY
    values[begin:] += 8
    scores = score(model, values)
    assert scores.alarms_per_week[0, begin : begin + HOUR].min() < 0.1
    late = slice(begin + 7 * DAY, None)
    assert (scores.alarms_per_week[0, late] <= 1).sum() <= 5
    assert np.abs(scores.expected[0, late] - values[late]).mean() < 0.4 * 8


def missing_points_score_nothing(model) -> None:
    values = with_gaps(8)
    values[800:803] = np.inf, -np.inf, np.nan
    scores = score(model, values)
    is_missing = ~np.isfinite(values)
    assert (scores.score[0, is_missing] == 0).all()
    assert np.isnan(scores.expected[0, is_missing]).all()


def absurd_values_never_make_a_nan(model) -> None:
    for absurd in (1e308, -1e308, np.finfo(float).max, 1e30, 5e-324, np.inf, np.nan):
        for at in (0, 3, 50, 3 * DAY, 6 * DAY):
            values = daily(8)
            values[at : at + 3] = absurd
            scores = score(model, values)
            assert np.isfinite(scores.score).all()
            assert not np.isnan(scores.alarms_per_week).any()
    scores = score(model, np.resize([1e308, -1e308, 0.0], 8 * DAY))
    assert np.isfinite(scores.score).all()


def an_absurd_value_does_not_hide_what_follows(model) -> None:
    values, begin = daily(21), 14 * DAY
    values[begin] = 1e18
    values[begin + 4 * DAY : begin + 4 * DAY + HOUR] += 8
    scores = score(model, values)
    assert scores.alarms_per_week[0, begin] < 0.1
    assert scores.alarms_per_week[0, begin + 4 * DAY : begin + 4 * DAY + HOUR].min() < 0.1
    week = slice(begin + DAY, begin + 4 * DAY)
    assert np.median(np.abs(scores.expected[0, week] - values[week])) < 1
    assert (scores.alarms_per_week[0, week] <= 1).sum() < 10


def a_value_usual_at_noon_is_unusual_at_night(model) -> None:
    values, high, low = daily(21), 18 * DAY + 6 * HOUR, 18 * DAY + 18 * HOUR
    values[high] = values[low] = 13.0
    scores = score(model, values)
    assert scores.alarms_per_week[0, low] < 0.1
    assert scores.alarms_per_week[0, high] > 10
    assert scores.lower[0, high] < 13.0 < scores.upper[0, high]
    assert scores.upper[0, low] < 13.0


def units_do_not_matter(model) -> None:
    values = with_gaps(14)
    plain, scaled = score(model, values), score(model, values * 1000 + 5e9)
    assert np.abs(plain.score - scaled.score).max() < 1e-4
    back = (scaled.expected - 5e9) / 1000
    assert np.allclose(back, plain.expected, atol=1e-3, equal_nan=True)


def a_constant_that_begins_to_vary_is_followed(model) -> None:
    values = np.concatenate([np.full(10 * DAY, 10.0), daily(21)])
    values[-HOUR:] += 10
    scores = score(model, values)
    assert scores.alarms_per_week[0, 10 * DAY : 10 * DAY + HOUR].min() < 0.5
    usual = slice(17 * DAY, -HOUR)
    assert (scores.alarms_per_week[0, usual] <= 1).sum() <= 5
    assert scores.alarms_per_week[0, -HOUR:].min() < 1


def the_band_holds_what_is_expected_and_most_values(model) -> None:
    values = daily(14)
    scores = score(model, values)
    known = slice(3 * DAY, None)
    lower, upper = scores.lower[0, known], scores.upper[0, known]
    assert (lower <= scores.expected[0, known]).all()
    assert (scores.expected[0, known] <= upper).all()
    assert ((lower <= values[known]) & (values[known] <= upper)).mean() > 0.95
    assert np.isnan(scores.expected[0, : DAY * 2]).all()


CHECKS: tuple[Callable[[SeriesModel], None], ...] = (
    later_points_change_no_earlier_score,
    any_chunking_gives_the_same_scores,
    kept_bytes_go_on_where_they_were,
    series_are_independent_of_each_other,
    inputs_are_not_mutated,
    a_state_keeps_its_size,
    times_must_rise,
    times_must_follow_what_was_seen,
    no_points_change_nothing,
    points_before_1970_and_in_2262_are_scored,
    a_constant_is_unsurprising_and_its_first_other_value_is_not,
    rates_are_unknown_before_five_days,
    rates_fall_as_scores_rise,
    hours_of_trouble_do_not_become_normal,
    a_new_level_is_accepted_within_days,
    missing_points_score_nothing,
    absurd_values_never_make_a_nan,
    an_absurd_value_does_not_hide_what_follows,
    a_value_usual_at_noon_is_unusual_at_night,
    units_do_not_matter,
    a_constant_that_begins_to_vary_is_followed,
    the_band_holds_what_is_expected_and_most_values,
)


@pytest.fixture(scope="module", params=TIERS)
def model(request: pytest.FixtureRequest) -> SeriesModel:
    return AnomalyModel(tier=request.param, step_seconds=STEP)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(check: Callable[[SeriesModel], None], model: SeriesModel) -> None:
    check(model)


def test_each_check_is_listed_once() -> None:
    assert max(Counter(check.__name__ for check in CHECKS).values()) == 1


def test_layouts_of_other_tiers_and_steps_differ() -> None:
    layouts = [
        AnomalyModel(tier=tier, step_seconds=step).layout for tier in TIERS for step in (1, 60)
    ]
    assert len(set(layouts)) == 4


def test_a_step_of_a_day_or_more_is_scored() -> None:
    for step in (1, 86_400, 604_800):
        model = AnomalyModel(step_seconds=step)
        values = np.random.default_rng(0).standard_normal((1, 500))
        assert np.isfinite(model.update(model.start(1), step * np.arange(500), values).score).all()
