"""One retraining at a time: who holds the lock is named, and a crash frees it."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from features.errors import RetrainingBusy
from features.store.store import Store, open_store
from training.pipeline.retraining_lock import RetrainingLock

ROOT = Path(__file__).parents[3]
HOLD = """
import sys, time
from features.store.store import open_store
from training.pipeline.retraining_lock import RetrainingLock
with open_store(sys.argv[1]) as store, RetrainingLock(store, "Ana", seconds=1.0):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def url(tmp_path: Path, empty_store: Path) -> str:
    return f"sqlite:///{shutil.copy(empty_store, tmp_path / 'precedent.db')}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened


def test_the_second_is_told_who_is_at_it(store: Store) -> None:
    with RetrainingLock(store, "Ana") as first:
        assert first.holder.startswith("Ana on ")
        with pytest.raises(RetrainingBusy) as refused, RetrainingLock(store, "Ben"):
            raise AssertionError("two at once")
        assert first.holder in str(refused.value)
        first.check()
    with RetrainingLock(store, "Ben") as second:
        second.check()


def test_it_is_held_for_as_long_as_its_process_lives(store: Store) -> None:
    with RetrainingLock(store, "Ana", seconds=0.2) as lock:
        sleep(0.4)
        lock.check()
        with pytest.raises(RetrainingBusy), RetrainingLock(store, "Ben"):
            raise AssertionError("two at once")


def test_a_process_that_was_paused_too_long_is_told_that_its_lock_expired(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RetrainingLock(store, "Ana", seconds=0.1) as lock:
        monkeypatch.setattr(lock, "_take", lambda: False)
        sleep(0.15)
        with pytest.raises(RetrainingBusy, match="paused for so long"):
            lock.check()
        with RetrainingLock(store, "Ben") as second:
            second.check()
    assert store.leases.holder("retrain") is None


@pytest.mark.quality
def test_a_killed_process_frees_the_lock(store: Store, url: str) -> None:
    holding = subprocess.Popen(
        [sys.executable, "-c", HOLD, url], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert holding.stdout is not None
    assert holding.stdout.readline() == "held\n"
    with pytest.raises(RetrainingBusy, match="Ana on"), RetrainingLock(store, "Ben"):
        raise AssertionError("two at once")
    holding.kill()
    holding.wait()
    freed_by = monotonic() + 60
    while store.leases.holder("retrain") is not None and monotonic() < freed_by:
        sleep(0.05)
    with RetrainingLock(store, "Ben") as second:
        second.check()
