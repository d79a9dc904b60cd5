"""Small groups share their budget equally; large ones learn, and continue after a restart."""

import math

import pytest

from models.timeseries.group_threshold import SMALL_RATE

COUNT = 30


def wave(number):
    return lambda t: 20 + math.sin(t / 600 + number)


@pytest.fixture
def crowd(watching):
    """A watch of thirty series whose model finds points rarer than the budget all the time."""
    watching.prometheus.series["errors"] = [
        ({"instance": f"i{number}"}, wave(number)) for number in range(COUNT)
    ]
    watching.options = {"history_days": 9, "step_seconds": 3_600}
    watching.model.rates = lambda times: 0.5 + times / 3_600 % 24
    return watching


def budgets(watching):
    return watching.session._scorer.budgets


def per_series(watching):
    (group,) = watching.config.groups
    return budgets(watching).per_series(group, int(watching.now))


def test_a_small_group_shares_its_budget_equally_and_stores_nothing(watching):
    watching.step()
    assert per_series(watching) == 2.0
    assert watching.store.series_states.of_watch("watch groups") == {}


def test_a_large_group_learns_from_its_hours(crowd):
    crowd.step(minutes=60)
    equal = 2.0 / COUNT
    assert equal < SMALL_RATE
    assert per_series(crowd) != equal
    assert list(crowd.store.series_states.of_watch("watch groups")) == ["shop"]


def test_it_continues_after_a_restart(crowd):
    crowd.step(minutes=60)
    learned = per_series(crowd)
    crowd.begin()
    assert per_series(crowd) == learned


def test_a_state_of_another_layout_is_learned_anew(crowd):
    crowd.step(minutes=60)
    (state,) = crowd.store.series_states.of_watch("watch groups").values()
    assert (state.tier, state.layout) == ("group", "1")
    crowd.store.series_states.save(
        "watch groups", [type(state)("shop", {}, "group", 60, "0", state.seen_until, b"")]
    )
    crowd.begin()
    assert per_series(crowd) == pytest.approx(2.0 / COUNT)
