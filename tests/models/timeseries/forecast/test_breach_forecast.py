"""Breach forecasts on series of known shapes: what fills, leaks, saturates, recurs or is calm."""

import numpy as np
import pytest

from features.timeseries.resampling import lay_on_grid
from models.timeseries.forecast.breach_forecast import forecast_breaches

HOUR, DAY = 3_600, 86_400
STEP = 300
HORIZONS = [HOUR, 6.0 * HOUR, DAY, 7.0 * DAY]


def forecast(values, level, direction="above", step=STEP, horizons=HORIZONS):
    times = 1_700_000_000 + step * np.arange(len(values))
    return forecast_breaches(lay_on_grid(times, np.asarray(values)), level, direction, horizons)


def probabilities(values, level, direction="above", step=STEP):
    return [breach.probability for breach in forecast(values, level, direction, step).breaches]


def noise(count, scale=1.0, seed=0):
    return scale * np.random.default_rng(seed).standard_normal(count)


def days(count):
    return np.arange(count * DAY // STEP) * STEP / DAY


def test_a_disk_that_fills_is_full_when_the_line_says_so():
    time = days(10)
    disk = 50 + 2.5 * time + noise(len(time), 0.3)
    hour, six, day, week = forecast(disk, 77.5).breaches
    assert hour.probability < 0.05
    assert six.probability < 0.1
    assert day.probability > 0.9
    assert week.probability > 0.9
    full_at = 1_700_000_000 + 11 * DAY
    assert day.lower <= full_at <= day.upper + 6 * HOUR
    assert abs(week.at - full_at) < 8 * HOUR


def test_free_space_that_falls_is_the_mirror_image():
    time = days(10)
    used = 50 + 2.5 * time + noise(len(time), 0.3)
    assert probabilities(100 - used, 22.5, "below") == pytest.approx(probabilities(used, 77.5))


def test_growth_that_saturates_below_the_level_does_not_reach_it():
    time = days(12)
    growth = 100 * (1 - np.exp(-time / 4)) + noise(len(time), 0.3)
    assert max(probabilities(growth, 108)) < 0.2


def test_noise_far_below_is_never_forecast_to_breach():
    assert max(probabilities(50 + noise(4_000), 80)) < 0.05


def test_a_random_walk_has_no_trend_to_follow():
    walk = np.cumsum(noise(4_000, 0.1, seed=3))
    assert max(probabilities(walk, walk.max() + 8)[:3]) < 0.1


def test_a_daily_peak_is_expected_at_its_hour():
    time = days(21)
    peak = 50 + 20 * np.maximum(0, np.sin(2 * np.pi * (time - 0.25))) + noise(len(time), 0.5)
    answer = forecast(peak, 68)
    hour, six, day, _ = answer.breaches
    assert hour.probability < 0.05
    assert six.probability < 0.2
    assert day.probability > 0.85
    # The curve is above 68 from 10:18 to 13:42 after midnight.
    begins = 1_700_000_000 + 21 * DAY + 10.3 * HOUR
    assert day.lower - HOUR <= begins <= day.upper


def test_a_leak_with_restarts_is_forecast_before_its_next_peak():
    time = days(14)
    leak = 20 + 20 * (time % 3.1) + noise(len(time), 0.5)
    near = leak[: int((3 * 3.1 + 2.6) * DAY / STEP)]
    far = leak[: int((3 * 3.1 + 0.3) * DAY / STEP)]
    assert probabilities(near, 76)[2] > 0.4
    assert probabilities(far, 76)[2] < 0.2


@pytest.mark.parametrize("level", [-5.0, 50.0, 1e6])
def test_probabilities_rise_with_the_horizon_and_times_are_ordered(level):
    values = 10 * np.sin(days(9)) + noise(9 * DAY // STEP)
    answer = forecast(values, level)
    found = [breach.probability for breach in answer.breaches]
    assert found == sorted(found)
    for breach in answer.breaches:
        assert 0 <= breach.probability <= 1
        assert breach.lower <= breach.at <= breach.upper <= answer.from_time + breach.seconds


def test_what_is_beyond_the_level_has_reached_it():
    answer = forecast([1.0, 2.0, 9.0], 9.0)
    assert answer.is_beyond
    assert {breach.probability for breach in answer.breaches} == {1.0}
    assert {breach.at for breach in answer.breaches} == {answer.from_time}


def test_a_series_without_a_value_has_no_forecast():
    assert forecast([np.nan, np.nan], 1.0) is None
    assert forecast([], 1.0) is None


@pytest.mark.parametrize(
    "values",
    [
        [3.0],
        [3.0, 3.0],
        [3.0] * 3_000,
        [np.nan] * 500 + [3.0] * 10,
        [3.0] * 500 + [np.nan] * 1_000,
        np.r_[np.ones(300), np.full(3_000, np.nan), np.ones(300)],
        np.cumsum(np.ones(2_000)),
    ],
)
def test_short_constant_and_broken_series_get_small_probabilities(values):
    assert max(probabilities(values, 1e9)) < 0.3


def test_the_step_may_be_a_day():
    weekly = 50 + 10 * (np.arange(200) % 7 == 6) + noise(200, 0.5)
    assert probabilities(weekly, 58.5, step=DAY)[3] > 0.8


def test_the_expected_course_repeats_the_day_and_follows_a_trend():
    time = days(14)
    wave = 50 + 20 * np.sin(2 * np.pi * time)
    answer = forecast(wave, 90, horizons=[DAY])
    later = 50 + 20 * np.sin(2 * np.pi * (answer.times - 1_700_000_000) / DAY)
    assert np.abs(answer.expected - later).max() < 4
    rising = forecast(50 + 2.5 * time, 200, horizons=[DAY])
    assert rising.expected[-1] == pytest.approx(50 + 2.5 * 15, abs=0.5)
