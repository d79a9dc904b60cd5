"""Servers to watch and to alert, and a watch on a store of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from watch_fakes import FakeAlertmanager, FakePrometheus, Watching, usual

from features.store.store import Store, open_store


@pytest.fixture
def prometheus() -> Iterator[FakePrometheus]:
    server = FakePrometheus()
    yield server
    server.close()


@pytest.fixture
def alertmanager() -> Iterator[FakeAlertmanager]:
    server = FakeAlertmanager()
    yield server
    server.close()


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> Iterator[Store]:
    shutil.copy(empty_store, tmp_path / "precedent.db")
    with open_store(f"sqlite:///{tmp_path / 'precedent.db'}") as opened:
        yield opened


@pytest.fixture
def watching(
    store: Store, prometheus: FakePrometheus, alertmanager: FakeAlertmanager
) -> Iterator[Watching]:
    prometheus.series["errors"] = [({"__name__": "errors", "instance": "a"}, usual)]
    watch = Watching(store, prometheus, alertmanager)
    yield watch
    watch.end()
