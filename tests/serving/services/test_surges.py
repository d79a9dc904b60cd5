"""Surges are found in the store, by every worker alike, and their incidents are put together."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from factories import incident, prediction

from features.domain.report import Outcome, Status
from features.store.store import Store
from serving.runtime.errors import UnknownSurge
from serving.services.alerts.storms import StormService
from serving.services.surges import SurgeFinder

NOW = datetime(2026, 3, 4, 14, 30, tzinfo=UTC)
OPEN = Outcome(status=Status.OPEN)


@pytest.fixture
def finder(store: Store) -> SurgeFinder:
    return SurgeFinder(store, StormService(store))


def opened(name: str, at: datetime, service: str = "vpn", words: str = "tunnel drops"):
    whole = incident(name, words, opened_at=at)
    return replace(whole, report=replace(whole.report, service=service), outcome=OPEN)


def title(n: int) -> str:
    """One of 17 titles without a word in common."""
    return chr(97 + n % 17) * 4


def keep_past(store: Store, weeks: int = 6) -> None:
    hours = range(8, weeks * 168, 2)
    store.incidents.upsert(
        [opened(f"past {n}", NOW - timedelta(hours=n), f"service {n % 7}", title(n)) for n in hours]
    )


def keep_burst(store: Store, n: int = 9, end: datetime = NOW, service: str = "vpn") -> list[str]:
    incidents = [
        opened(f"{service} {k}", end - timedelta(minutes=2 * (n - k)), service) for k in range(n)
    ]
    store.incidents.upsert(incidents)
    return [one.report.id for one in incidents]


def test_a_burst_is_a_surge_with_its_incidents(store, finder) -> None:
    keep_past(store)
    ids = keep_burst(store)
    [(surge, name)] = finder.find(NOW)
    assert (name, list(surge.incident_ids)) == ("vpn", ids)
    assert finder.find(NOW + timedelta(hours=2)) == ()


def test_workers_agree(store, finder) -> None:
    keep_past(store)
    keep_burst(store)
    assert finder.find(NOW) == SurgeFinder(store, StormService(store)).find(NOW)


def test_a_surge_that_goes_on_keeps_its_id(store, finder) -> None:
    keep_past(store)
    found = set()
    for quarter in range(12):
        now = NOW + timedelta(minutes=15 * quarter)
        keep_burst(store, n=8, end=now, service=f"vpn {quarter}")
        stored = store.incidents.find([f"vpn {quarter} {k}" for k in range(8)])
        store.incidents.upsert(
            [replace(one, report=replace(one.report, service="vpn")) for one in stored.values()]
        )
        [(surge, _)] = finder.find(now)
        found.add(surge.id)
    assert len(found) == 1
    assert surge.count == 96


def test_an_imported_history_is_no_surge(store, finder) -> None:
    keep_past(store)
    assert finder.find(NOW) == ()
    long_ago = [opened(f"old {k}", NOW - timedelta(days=9, minutes=k)) for k in range(30)]
    store.incidents.upsert(long_ago)
    assert finder.find(NOW) == ()


def test_a_burst_without_a_past_is_no_surge(store, finder) -> None:
    keep_burst(store)
    assert finder.find(NOW) == ()


def test_incidents_of_the_future_and_of_unknown_time_do_not_count(store, finder) -> None:
    keep_past(store)
    keep_burst(store, end=NOW + timedelta(hours=3))
    store.incidents.upsert(
        [incident(f"no time {k}", "tunnel drops", opened_at=None) for k in range(9)]
    )
    assert finder.find(NOW) == ()


def test_predicted_categories_are_streams_and_hidden_ones_are_not(store, finder) -> None:
    keep_past(store)
    ids = [f"new {k}" for k in range(9)]
    store.incidents.upsert(
        [
            opened(id_, NOW - timedelta(minutes=20 - 2 * k), f"service {k % 7}", title(k))
            for k, id_ in enumerate(ids)
        ]
    )
    hidden = [prediction(id_, "Rare", prediction_id=f"h {id_}", audit_share=0.5) for id_ in ids]
    store.predictions.record(hidden)
    assert finder.find(NOW) == ()
    store.predictions.record([prediction(id_, "Rare", prediction_id=f"v {id_}") for id_ in ids])
    [(surge, name)] = finder.find(NOW)
    assert (surge.stream.kind, name, surge.count) == ("category", "Rare", 9)


def found_now(finder, monkeypatch):
    monkeypatch.setattr(finder, "_surges", finder.find(NOW))
    return finder.open_surges()


def test_the_first_open_incident_is_the_proposed_parent(store, finder, monkeypatch) -> None:
    keep_past(store)
    ids = keep_burst(store)
    store.incidents.upsert([replace(opened(ids[0], NOW), outcome=Outcome(status=Status.RESOLVED))])
    store.incidents.upsert([opened(ids[0], NOW - timedelta(minutes=18))])
    [found] = found_now(finder, monkeypatch)
    assert found.parent is not None
    assert (found.parent.id, found.parent.joined) == (ids[0], 0)
    assert list(found.unjoined_ids) == ids[1:]


def test_joining_makes_one_storm_of_a_surge(store, finder, monkeypatch) -> None:
    keep_past(store)
    ids = keep_burst(store)
    [found] = found_now(finder, monkeypatch)
    finder.join(found.surge.id, "ana")
    [joined] = finder.open_surges()
    assert joined.parent is not None
    assert (joined.parent.joined, joined.unjoined_ids) == (8, ())
    storm = StormService(store).storms_of(ids)[ids[0]]
    assert storm.incident_count == 9
    with pytest.raises(UnknownSurge):
        finder.join("unknown", "ana")


def test_a_head_that_opened_before_the_surge_is_its_parent(store, finder, monkeypatch) -> None:
    keep_past(store)
    store.incidents.upsert([opened("first", NOW - timedelta(hours=2), "core", "switch down")])
    ids = keep_burst(store)
    for id_ in ids[2:5]:
        StormService(store).join(id_, "first", "ana")
    [found] = found_now(finder, monkeypatch)
    assert found.parent is not None
    assert (found.parent.id, found.parent.joined) == ("first", 3)
    assert list(found.unjoined_ids) == [*ids[:2], *ids[5:]]
    finder.join(found.surge.id, "ana")
    assert StormService(store).storms_of(["first"])["first"].incident_count == 10


def test_a_surge_of_resolved_incidents_has_no_parent(store, finder, monkeypatch) -> None:
    keep_past(store)
    ids = keep_burst(store)
    stored = store.incidents.find(ids)
    resolved = Outcome(status=Status.RESOLVED)
    store.incidents.upsert([replace(stored[id_], outcome=resolved) for id_ in ids])
    [found] = found_now(finder, monkeypatch)
    assert found.parent is None
    with pytest.raises(UnknownSurge):
        finder.join(found.surge.id, "ana")
