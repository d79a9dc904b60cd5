"""The queue of incidents that wait to be triaged."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

from features.store.store import Store

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_several_requests_for_one_incident_are_one_triage(store: Store) -> None:
    for request in ("r1", "r2"):
        store.triage_queue.add("INC1", request, NOON)
    (queued,) = store.triage_queue.take(5, now=NOON, hold_seconds=60)
    assert (queued.incident_id, queued.request_id, queued.requests) == ("INC1", "r2", 2)


def test_a_request_that_arrives_during_a_triage_is_kept(store: Store) -> None:
    store.triage_queue.add("INC1", "r1", NOON)
    (queued,) = store.triage_queue.take(5, now=NOON, hold_seconds=60)
    store.triage_queue.add("INC1", "r2", NOON)
    store.triage_queue.finish(queued)
    (again,) = store.triage_queue.take(5, now=NOON, hold_seconds=60)
    assert again.request_id == "r2"
    store.triage_queue.finish(again)
    assert store.triage_queue.count() == 0


def test_another_worker_takes_over_what_was_not_finished(store: Store) -> None:
    store.triage_queue.add("INC1", "r1", NOON)
    assert store.triage_queue.take(5, now=NOON, hold_seconds=60)
    assert store.triage_queue.take(5, now=NOON + timedelta(seconds=59), hold_seconds=60) == ()
    (taken,) = store.triage_queue.take(5, now=NOON + timedelta(seconds=60), hold_seconds=60)
    assert taken.attempts == 2


def test_each_incident_is_taken_by_one_worker(store: Store) -> None:
    for number in range(20):
        store.triage_queue.add(f"INC{number}", "r", NOON)
    start = Barrier(4)

    def take(_: int) -> list[str]:
        start.wait()
        taken = store.triage_queue.take(5, now=NOON, hold_seconds=60)
        return [queued.incident_id for queued in taken]

    with ThreadPoolExecutor(4) as pool:
        taken = [incident_id for ids in pool.map(take, range(4)) for incident_id in ids]
    assert sorted(taken) == sorted({f"INC{number}" for number in range(20)})


def test_a_postponed_incident_waits(store: Store) -> None:
    store.triage_queue.add("INC1", "r1", NOON)
    (queued,) = store.triage_queue.take(5, now=NOON, hold_seconds=60)
    store.triage_queue.postpone(queued, NOON + timedelta(seconds=5))
    assert store.triage_queue.take(5, now=NOON, hold_seconds=60) == ()
    assert store.triage_queue.take(5, now=NOON + timedelta(seconds=5), hold_seconds=60)
