"""SIGTERM ends the service within seconds, whatever it is doing, and its workers share an index."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.home import Home, HomeSettings, open_home
from features.store.store import open_home_store

pytestmark = pytest.mark.quality

ROOT = Path(__file__).parents[2]
INCIDENTS, ROUNDS, STOP_SECONDS, START_SECONDS = 6_000, 4, 5.0, 120.0


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose incidents take seconds to index."""
    settings = HomeSettings(home=tmp_path_factory.mktemp("stopped"))
    opened = open_home(settings)
    with open_home_store(settings, opened) as store:
        store.incidents.upsert(
            [
                ResolvedIncident(
                    IncidentReport(f"INC{n}", title=f"disk {n} full", description=f"on host {n}"),
                    Outcome(category="Disk"),
                )
                for n in range(INCIDENTS)
            ]
        )
    return opened


@pytest.fixture
def free_port() -> int:
    """A port of this machine that no program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def start(home: Home, port: int, *options: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "PRECEDENT_HOME": str(home.root),
        "PRECEDENT_ENCODER": "hashing",
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "serving", "--port", str(port), *options],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def status(port: int, path: str) -> int:
    try:
        return urlopen(f"http://127.0.0.1:{port}{path}", timeout=5).status
    except HTTPError as error:
        return error.code
    except (URLError, OSError):
        return 0


def wait_for(port: int, path: str, *statuses: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while status(port, path) not in statuses:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_stop_at_any_moment_of_the_indexing_takes_seconds(home: Home, free_port: int) -> None:
    rng = random.Random(16)
    for _ in range(ROUNDS):
        with start(home, free_port) as server:
            try:
                wait_for(free_port, "/health/ready", 200, 503)
                time.sleep(rng.uniform(0, 2))
                server.send_signal(signal.SIGTERM)
                stopping = time.monotonic()
                assert server.wait(timeout=60) == 0
                assert time.monotonic() - stopping < STOP_SECONDS
            finally:
                with suppress(ProcessLookupError):
                    server.kill()


def test_two_workers_build_one_index(home: Home, free_port: int) -> None:
    with start(home, free_port, "--workers", "2") as server:
        try:
            wait_for(free_port, "/health/ready", 200)
            server.send_signal(signal.SIGTERM)
            assert server.wait(timeout=60) == 0
        finally:
            with suppress(ProcessLookupError):
                server.kill()
    assert len(list(home.indexes.glob("*/*.npz"))) == 1
