"""Real registries of MLflow: its database in a file, in PostgreSQL, and behind its server."""

import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import pytest
from mlflow import MlflowClient
from server_processes import running_mlflow, running_postgresql

ADDRESSES = [
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.quality),
    pytest.param("http", marks=pytest.mark.quality),
]


@pytest.fixture(params=ADDRESSES)
def address(request: pytest.FixtureRequest) -> str:
    """The tracking address of an empty registry."""
    return str(request.getfixturevalue(f"{request.param}_address"))


@pytest.fixture
def sqlite_address(tmp_path: Path, empty_registry: Path) -> str:
    """The address of an empty database in a file."""
    return f"sqlite:///{shutil.copy(empty_registry, tmp_path / 'mlflow.db')}"


@pytest.fixture
def postgresql_address() -> Iterator[str]:
    """The address of an empty database in PostgreSQL."""
    with running_postgresql() as server:
        yield server.get_uri(driver="psycopg")


@pytest.fixture
def http_address(sqlite_address: str, tmp_path: Path) -> Iterator[str]:
    """The address of an MLflow server with an empty database."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--backend-store-uri", sqlite_address, "--workers", "1", "--port", str(port)]
    with running_mlflow("server", *options, log=tmp_path / "server.log"):
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/health", tmp_path / "server.log")
        yield address


@pytest.fixture
def client(address: str) -> MlflowClient:
    """MLflow's own client of the registry."""
    return MlflowClient(tracking_uri=address, registry_uri=address)


def _wait_for(address: str, log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        with suppress(OSError), urlopen(address, timeout=5) as answer:
            if answer.status == 200:
                return
        time.sleep(0.2)
    raise AssertionError(log.read_text())
