"""Many series at once: charts take turns, and states that take long to save are saved rarely."""

from datetime import UTC, datetime, timedelta

import pytest

from serving.runtime.rare_saving import RareSaving
from serving.watch import anomaly_tracker

COUNT = 5


def burst_from(begins, number):
    return lambda t: 100.0 + number if t >= begins else 20.0 + number + t % 7 / 10


@pytest.fixture
def crowd(watching):
    """A watch of five series, all of which rise with the next point."""
    watching.groups[0]["budget_per_week"] = COUNT
    begins = watching.now + 90
    watching.prometheus.series["errors"] = [
        ({"instance": f"i{number}"}, burst_from(begins, number)) for number in range(COUNT)
    ]
    watching.step()
    return watching


def kept(watching):
    now = datetime.fromtimestamp(watching.now, UTC)
    return watching.store.anomalies.between(now - timedelta(days=2), now)


def test_charts_take_turns_and_all_have_points_before_the_onset(crowd, monkeypatch):
    monkeypatch.setattr(anomaly_tracker, "_MOST_DRAWN", 2)
    crowd.step()
    found = kept(crowd)
    assert len(found) == COUNT
    assert sum(bool(anomaly.points.times) for anomaly in found) == 2
    for _ in range(4):
        crowd.step()
    assert len(kept(crowd)) == COUNT
    for anomaly in kept(crowd):
        onset, times = anomaly.onset_at.timestamp(), anomaly.points.times
        assert times[0] < onset < times[-1]
        assert list(times) == sorted(set(times))


def test_anomalies_are_saved_at_once_and_found_again_if_the_states_were_not(crowd):
    before = crowd.store.series_states.of_watch("watch")
    crowd.session._saving = RareSaving(lambda: 0.0)
    crowd.session._saving._due_at = 1.0
    crowd.step()
    found = kept(crowd)
    assert len(found) == COUNT
    assert crowd.store.series_states.of_watch("watch") == before
    crowd.step()
    crowd.begin()
    crowd.step()
    again = kept(crowd)
    assert {anomaly.id for anomaly in again} == {anomaly.id for anomaly in found}
    states = crowd.store.series_states.of_watch("watch").values()
    assert {state.seen_until.timestamp() for state in states} == {crowd.now - crowd.now % 60}


def test_what_waited_is_saved_once_it_is_due(crowd):
    crowd.session._saving._due_at = float("inf")
    crowd.step()
    crowd.session._saving._due_at = 0.0
    crowd.step()
    states = crowd.store.series_states.of_watch("watch").values()
    assert {state.seen_until.timestamp() for state in states} == {crowd.now - crowd.now % 60}
