"""MLflow's database in an SQLite file."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from features.errors import RegistryUnavailable
from models.artifacts.registries.sql_registry import Query

_LOCK_TIMEOUT_SECONDS = 10.0
_UPGRADE = "upgrade its tables with `mlflow db upgrade` after a backup"


class SqliteDatabase:
    """An existing SQLite file with MLflow's tables; threads may share it.

    The connection stays open, because opening one reads the definitions of all of MLflow's tables.
    It is opened again when the file was replaced.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = RLock()
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None
        self._writes = 0

    def revision(self) -> object:
        """Return a value that changes with every change of the database, by any process."""
        with self._lock, self._errors():
            # SQLite counts the changes of other connections; those of this one are counted here.
            version = self._connect().execute("PRAGMA data_version").fetchone()[0]
            return self._opened, version, self._writes

    @contextmanager
    def transaction(self, *, writes: bool) -> Iterator[Query]:
        """Open a transaction; it is undone if the block raises an error."""
        with self._lock, self._errors():
            connection = self._connect()
            connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
            try:
                yield _query_of(connection)
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise
            self._writes += writes

    def _connect(self) -> sqlite3.Connection:
        state = self._file.stat()
        place = state.st_dev, state.st_ino
        if self._connection is None or place != self._opened:
            if self._connection is not None:
                self._connection.close()
            # The file is not opened read-only: if a write was killed or ran out of space, the next
            # connection has to undo the write.
            self._connection = sqlite3.connect(
                f"{self._file.absolute().as_uri()}?mode=rw",
                uri=True,
                timeout=_LOCK_TIMEOUT_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
            self._opened = place
        return self._connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise RegistryUnavailable(f"{self._file} {_explain(error)}") from error


def _query_of(connection: sqlite3.Connection) -> Query:
    def query(statement: str, parameters: Sequence[object]) -> Sequence[tuple[Any, ...]]:
        return connection.execute(statement, tuple(parameters)).fetchall()

    return query


def _explain(error: Exception) -> str:
    reason = str(error)
    if isinstance(error, FileNotFoundError):
        return "is gone; restore it from a backup (precedent restore DIR)"
    if "no such column" in reason:
        return f"was made by an earlier version of MLflow ({reason}); {_UPGRADE}"
    if "locked" in reason:
        return f"stays busy ({reason}); try again"
    return f"is not a model registry ({reason}); train first, or check PRECEDENT_HOME"
