"""What is usual is learned by hour of the week, and errs on the side of fewer surges."""

import numpy as np
import pytest
from surge_streams import after, baseline_of, made_up, poisson_hours

from models.surges.hour_profile import HOUR, learn_hour_profile
from models.surges.streams import Stream, StreamKind

VPN = Stream(StreamKind.SERVICE, "vpn")
MONDAY_NINE = 9.5


def rate_at(baseline, hour: float, stream: Stream = VPN):
    return baseline.rate(stream, after(hour).timestamp())


def test_a_rate_is_that_of_the_hour_of_the_week() -> None:
    mondays = np.concatenate([168 * week + 9 + np.arange(20) / 20 for week in range(8)])
    others = poisson_hours(np.random.default_rng(0), 0.5, 8 * 168)
    baseline = baseline_of(made_up("vpn", np.concatenate([mondays, others])), 8 * 168)
    assert rate_at(baseline, 8 * 168 + MONDAY_NINE).expected > 8
    assert rate_at(baseline, 8 * 168 + 24 + MONDAY_NINE).expected < 2
    assert rate_at(baseline, 8 * 168 + 15).expected == pytest.approx(0.5, abs=0.5)


def test_few_weeks_raise_the_bound() -> None:
    bounds = []
    for weeks in (2, 4, 12):
        every_day = np.arange(weeks * 7) * 24 + 9.5
        baseline = baseline_of(made_up("vpn", every_day), weeks * 168)
        bounds.append(rate_at(baseline, weeks * 168 + MONDAY_NINE).upper)
        assert bounds[-1] > rate_at(baseline, weeks * 168 + MONDAY_NINE).expected
    assert bounds == sorted(bounds, reverse=True)


def test_an_unseen_stream_has_a_rate_and_a_new_one_counts_from_its_first_incident() -> None:
    old = made_up("mail", np.arange(0, 4 * 168, 2.0))
    new = made_up("vpn", np.arange(4 * 168 - 24, 4 * 168, 2.0))
    baseline = baseline_of(old + new, 4 * 168)
    unseen = rate_at(baseline, 4 * 168 + 5, Stream(StreamKind.SERVICE, "never")).upper
    assert 0 < unseen < 0.02
    assert rate_at(baseline, 4 * 168 + 5).expected > 0.2


def test_excitation_is_learned_from_bursts_and_shrunk_to_the_kind() -> None:
    rng = np.random.default_rng(2)
    calm = made_up("calm", poisson_hours(rng, 1.0, 4 * 168))
    starts = poisson_hours(rng, 0.2, 4 * 168)
    bursty = made_up("bursty", np.concatenate([starts + k * 0.05 for k in range(5)]))
    rare = made_up("rare", np.array([50.0]))
    baseline = baseline_of(calm + bursty + rare, 4 * 168)
    by_name = {
        name: baseline.excitation(Stream(StreamKind.SERVICE, name))
        for name in ("calm", "bursty", "rare")
    }
    assert by_name["calm"] < 0.2 < by_name["rare"] < by_name["bursty"] < 0.9


def test_hours_that_were_not_seen_are_shrunk_and_not_empty() -> None:
    times = after(0).timestamp() + np.arange(9, 24) * HOUR
    profile = learn_hour_profile(times, after(0).timestamp(), after(48).timestamp())
    assert profile.seen.sum() == 48
    assert profile.relative.min() > 0.05
    assert profile.relative.mean() == pytest.approx(1.0)
