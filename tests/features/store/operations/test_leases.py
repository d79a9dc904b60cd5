"""Leases: one holder at a time, whoever asks, until it is given back or runs out."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from time import sleep

from features.store.store import IncidentStore, open_store


def test_a_lease_is_held_prolonged_and_given_back(store: IncidentStore) -> None:
    leases = store.telemetry
    assert leases.take_lease("watch", "a", 60)
    assert not leases.take_lease("watch", "b", 60)
    assert leases.take_lease("watch", "a", 60)
    assert leases.take_lease("other", "b", 60)
    leases.release_lease("watch", "b")
    assert not leases.take_lease("watch", "b", 60)
    leases.release_lease("watch", "a")
    assert leases.take_lease("watch", "b", 60)


def test_a_lease_runs_out(store: IncidentStore) -> None:
    assert store.telemetry.take_lease("watch", "a", 0.05)
    sleep(0.06)
    assert store.telemetry.take_lease("watch", "b", 60)
    assert not store.telemetry.take_lease("watch", "a", 60)


def test_of_many_that_ask_at_one_moment_one_gets_it(database_url: str) -> None:
    start = Barrier(6)

    def ask(holder: str) -> bool:
        with open_store(database_url) as store:
            start.wait()
            return store.telemetry.take_lease("watch", holder, 60)

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(ask, "abcdef")) == 1
