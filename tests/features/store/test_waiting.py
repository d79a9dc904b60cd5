"""Readers do not wait for writers, writers get their turn in order, and every wait ends in time."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from threading import Thread

import pytest
from factories import incident

from features.errors import StoreUnavailable
from features.store import database
from features.store.counters import lock_tenant
from features.store.store import Store, open_store
from features.store.waiting import FairQueue

WRITERS = 40
"""More than a pool of connections holds."""


@contextmanager
def waiting_writers(store: Store) -> Iterator[list[BaseException | None]]:
    """Hold the write lock while more writers wait than there are connections."""
    errors: list[BaseException | None] = []

    def write(number: int) -> None:
        try:
            store.incidents.upsert([incident(f"INC{number}")])
        except StoreUnavailable as error:
            errors.append(error)

    with store._database.write() as connection:
        lock_tenant(connection, "default")
        threads = [Thread(target=write, args=(number,)) for number in range(WRITERS)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        yield errors
    for thread in threads:
        thread.join()


def test_readers_do_not_wait_while_writers_do(store: Store) -> None:
    store.incidents.upsert([incident("INC0")])
    with waiting_writers(store) as errors:
        started = time.perf_counter()
        with ThreadPoolExecutor(20) as pool:
            counts = list(pool.map(lambda _: store.incidents.count(), range(200)))
        assert time.perf_counter() - started < 5
        assert set(counts) == {1}
    assert errors == []
    assert store.incidents.count() == WRITERS


def test_every_wait_ends_at_the_one_timeout(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_SECONDS", 0.5)
    with open_store(database_url) as store, open_store(database_url) as other:
        ends: list[float] = []
        with other._database.write() as connection:
            lock_tenant(connection, "default")
            started = time.perf_counter()

            def write(number: int) -> None:
                with pytest.raises(StoreUnavailable, match="is busy; try again"):
                    store.incidents.upsert([incident(f"INC{number}")])
                ends.append(time.perf_counter() - started)

            with ThreadPoolExecutor(WRITERS) as pool:
                list(pool.map(write, range(WRITERS)))
        # Each thread waits for its turn and then for the lock, in all no longer than the timeout.
        assert len(ends) == WRITERS
        assert max(ends) < 2


def test_readers_that_wait_for_readers_are_told_so(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_SECONDS", 0.3)
    with open_store(database_url) as store:
        with ExitStack() as stack:
            for _ in range(database._READERS):
                stack.enter_context(store._database.read())
            started = time.perf_counter()
            with pytest.raises(StoreUnavailable, match="is busy; try again"):
                store.incidents.count()
            assert time.perf_counter() - started < 2
        assert store.incidents.count() == 0


def test_turns_are_given_in_the_order_of_asking() -> None:
    queue, order = FairQueue(places=1), []
    assert queue.enter(seconds=0)

    def take_turn(number: int) -> None:
        assert queue.enter(seconds=10)
        order.append(number)
        queue.leave()

    threads = []
    for number in range(20):
        threads.append(Thread(target=take_turn, args=(number,)))
        threads[-1].start()
        while len(queue._waiting) <= number:
            time.sleep(0.001)
    queue.leave()
    # A thread that asks while others wait does not overtake them.
    take_turn(20)
    for thread in threads:
        thread.join()
    assert order == list(range(21))


def test_a_turn_that_was_not_awaited_is_not_lost() -> None:
    queue = FairQueue(places=2)
    assert queue.enter(seconds=0)
    assert queue.enter(seconds=0)
    assert not queue.enter(seconds=0.01)
    queue.leave()
    queue.leave()
    assert [queue.enter(seconds=0) for _ in range(3)] == [True, True, False]


def test_a_long_reader_does_not_keep_a_writer_waiting(store: Store) -> None:
    store.incidents.upsert([incident(f"INC{number}") for number in range(2_000)])
    with closing(store.incidents.all()) as iteration:
        next(iteration)
        started = time.perf_counter()
        for number in range(20):
            store.incidents.upsert([incident(f"INC{number}", "new")])
        assert time.perf_counter() - started < 5
