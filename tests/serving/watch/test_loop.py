"""One of several watches works: the lease is taken, prolonged, waited for and given back."""

import threading
import time

import pytest

from features.errors import StoreUnavailable
from serving.watch.lease import Lease
from serving.watch.loop import Watch
from serving.watch.metrics import WatchMetrics
from serving.watch.runner import LeaseLost


class CountingSession:
    """Counts its steps; `error` is what the next ones raise."""

    def __init__(self):
        self.steps = 0
        self.error = None
        self.is_closed = False

    def step(self):
        self.steps += 1
        if self.error:
            raise self.error
        return 60.0

    def close(self):
        self.is_closed = True


class Process:
    """What one process has."""

    def __init__(self, store, seconds=30.0):
        self.sessions = []
        self.metrics = WatchMetrics()
        self.lease = Lease(store.leases, seconds)
        self.watch = Watch(self.open, lease=self.lease, metrics=self.metrics, clock=time.time)

    def open(self):
        self.sessions.append(CountingSession())
        return self.sessions[-1]

    @property
    def is_active(self):
        return self.metrics.registry.get_sample_value("precedent_watch_is_active") == 1


def test_a_second_process_waits_and_says_so_once(store, caplog):
    first, second = Process(store), Process(store)
    assert first.watch.step() == 10
    for _ in range(3):
        assert second.watch.step() == 10
    assert (first.is_active, second.is_active) == (True, False)
    assert not second.sessions
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "another process watches; this process waits until it ends"
    ]


def test_it_takes_over_when_the_first_ends(store):
    first, second = Process(store), Process(store)
    stopping = threading.Event()
    running = threading.Thread(target=first.watch.run, args=(stopping,))
    running.start()
    while not first.is_active:
        time.sleep(0.01)
    second.watch.step()
    assert not second.is_active
    stopping.set()
    running.join(60)
    assert not running.is_alive()
    assert first.sessions[0].is_closed
    second.watch.step()
    assert second.is_active


def test_it_takes_over_when_the_first_died(store):
    first, second = Process(store, seconds=0.2), Process(store)
    first.watch.step()
    time.sleep(0.3)
    second.watch.step()
    assert second.is_active
    first.watch.step()
    assert not first.is_active
    assert first.sessions[0].is_closed


def test_a_session_that_lost_the_lease_is_void(store):
    process = Process(store)
    process.watch.step()
    process.sessions[0].error = LeaseLost()
    process.watch.step()
    assert not process.is_active
    process.watch.step()
    assert len(process.sessions) == 2


def test_a_store_that_fails_is_tried_again_later_with_the_same_session(store, caplog):
    process = Process(store)
    process.watch.step()
    process.sessions[0].error = StoreUnavailable("busy")
    assert process.watch.step() == pytest.approx(5, abs=1)
    assert process.watch.step() == pytest.approx(10, abs=1)
    process.sessions[0].error = None
    assert process.watch.step() == 10
    assert len(process.sessions) == 1
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    assert [warning.fields["reason"] for warning in warnings] == ["busy"]


def test_the_lease_is_looked_at_before_anything_is_saved(watching, store):
    watching.step()
    other = Lease(store.leases, 30)
    watching.lease.release()
    assert other.take()
    watching.now += 60
    with pytest.raises(LeaseLost):
        watching.session.step()
