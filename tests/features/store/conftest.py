"""Databases to test the store on: SQLite and, where it runs, PostgreSQL."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from server_processes import running_postgresql
from sqlalchemy import create_engine, text

from features.store.store import Store, open_store


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The address of a PostgreSQL server, started once a session."""
    with running_postgresql() as server:
        url = server.get_uri(driver="psycopg")
        _run(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.quality)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of its own."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'precedent.db'}"
    server: str = request.getfixturevalue("postgresql_url")
    # A schema takes the place of a database, which takes a fifth of a second to create.
    schema = f"test_{uuid4().hex}"
    _run(server, f"CREATE SCHEMA {schema}")
    return f"{server}&options=-csearch_path={schema}"


@pytest.fixture
def store(database_url: str, empty_store: Path) -> Iterator[Store]:
    """An empty store; SQLite's is a copy of one whose tables were made once."""
    if database_url.startswith("sqlite:///"):
        shutil.copy(empty_store, database_url.removeprefix("sqlite:///"))
    with open_store(database_url) as opened:
        yield opened


def _run(url: str, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
