"""Leases: one holder at a time, until the lease is released or expires."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from time import sleep

from features.store.store import Store, open_store


def test_a_lease_is_held_prolonged_and_given_back(store: Store) -> None:
    leases = store.leases
    assert leases.take("watch", "a", 60)
    assert not leases.take("watch", "b", 60)
    assert leases.take("watch", "a", 60)
    assert leases.take("other", "b", 60)
    leases.release("watch", "b")
    assert not leases.take("watch", "b", 60)
    leases.release("watch", "a")
    assert leases.take("watch", "b", 60)


def test_a_lease_runs_out(store: Store) -> None:
    assert store.leases.take("watch", "a", 0.05)
    sleep(0.06)
    assert store.leases.take("watch", "b", 60)
    assert not store.leases.take("watch", "a", 60)


def test_of_many_that_ask_at_one_moment_one_gets_it(database_url: str) -> None:
    start = Barrier(6)

    def ask(holder: str) -> bool:
        with open_store(database_url) as store:
            start.wait()
            return store.leases.take("watch", holder, 60)

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(ask, "abcdef")) == 1
