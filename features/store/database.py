"""Reads and writes SQLite and PostgreSQL in one way, and translates their errors into advice."""

from collections.abc import Iterator
from contextlib import contextmanager
from sqlite3 import Connection as SQLiteConnection
from typing import Any

from pydantic_core import to_json
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.pool import ConnectionPoolEntry

from features.errors import StoreUnavailable

Insert = sqlite.Insert | postgresql.Insert

BUSY_TIMEOUT_SECONDS = 10

_EMPTY_LOG_TIMEOUT_SECONDS = 1
_BEGIN_READ = {"sqlite": "BEGIN"}
_BEGIN_WRITE = {
    "sqlite": "BEGIN IMMEDIATE",
    "postgresql": f"SET LOCAL lock_timeout = '{BUSY_TIMEOUT_SECONDS}s'",
}
_ADVICE = {
    "locked": "is busy; try again when the other writer is done",
    "lock timeout": "is busy; try again when the other writer is done",
    "unable to open": "cannot be opened; check that its folder exists and can be written to",
    "readonly": "is read-only; give the user that runs this the right to write to it",
    "disk is full": "has no disk space left; free some and try again",
    "No space left": "has no disk space left; free some and try again",
    "not a database": "is not an SQLite file; name another file",
    "malformed": "is damaged; restore it from a backup",
}


class Database:
    """A database, named by its URL; it is opened at first use.

    A write is one short transaction. In SQLite it takes the write lock at its start, so that it
    cannot fail halfway for lack of the lock; in PostgreSQL it waits at most 10 seconds for a lock.
    A read sees one state of the data, even while others write. If the database is missing, busy,
    full or damaged, `StoreUnavailable` is raised.
    """

    def __init__(self, url: str) -> None:
        address = _parse(url)
        self.name = address.set(query={}).render_as_string(hide_password=True)
        self.backend = address.get_backend_name()
        self._engine = _engine(address)
        self._writer = self._engine.execution_options(writes=True)
        self._untransacted = self._engine.execution_options(begins=False)
        self._reader = self._engine
        if self.backend == "postgresql":
            self._reader = self._engine.execution_options(isolation_level="REPEATABLE READ")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection that sees one state of the database."""
        with self._translated_errors(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield a connection that commits at the end of the block, or rolls back on an error."""
        with self._translated_errors(), self._writer.begin() as connection:
            yield connection

    def empty_log(self) -> bool:
        """Move SQLite's write-ahead log, which contains deleted data, into the database file.

        Returns False if another connection still reads an older state after a second. The log is
        then emptied by a later call, or when the last connection is closed.
        """
        if self.backend != "sqlite":
            return True
        with self._translated_errors(), self._untransacted.connect() as connection:
            usual_timeout = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
            _set_busy_timeout(connection, _EMPTY_LOG_TIMEOUT_SECONDS * 1000)
            try:
                checkpoint = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                return not checkpoint.scalar_one()
            finally:
                _set_busy_timeout(connection, usual_timeout)

    def close(self) -> None:
        """Close every pooled connection."""
        self._engine.dispose()

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except (DatabaseError, PoolExhausted) as error:
            if not _is_operational(error):
                raise
            raise StoreUnavailable(f"the database {self.name} {_advice(error)}") from error


def insert_into(connection: Connection, table: type[Any]) -> Insert:
    """Return an insert statement of the database's dialect, which supports `ON CONFLICT`."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def _parse(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError:
        raise StoreUnavailable(
            "the database URL cannot be read; write sqlite:///FILE or postgresql://USER@HOST/NAME"
        ) from None
    if address.drivername == "postgresql":
        return address.set(drivername="postgresql+psycopg")
    if address.get_backend_name() not in _BEGIN_WRITE:
        raise StoreUnavailable(
            f"a database of kind {address.drivername!r} cannot hold the store; "
            "write sqlite:///FILE or postgresql://USER@HOST/NAME"
        )
    if address.get_backend_name() == "sqlite" and "timeout" not in address.query:
        return address.update_query_dict({"timeout": str(BUSY_TIMEOUT_SECONDS)})
    return address


def _engine(address: URL) -> Engine:
    try:
        engine = create_engine(address, pool_pre_ping=True, json_serializer=_json)
    except ModuleNotFoundError as error:
        raise StoreUnavailable(
            f"the driver {error.name} is missing; run: pip install 'precedent[postgresql]'"
        ) from error
    event.listen(engine, "begin", _begin)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _json(value: object) -> str:
    # Several times faster than the standard library, so the write lock is released sooner.
    return to_json(value).decode()


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("begins", True):
        return
    statements = _BEGIN_WRITE if options.get("writes") else _BEGIN_READ
    if statement := statements.get(connection.dialect.name):
        connection.exec_driver_sql(statement)


def _set_busy_timeout(connection: Connection, milliseconds: int) -> None:
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {milliseconds}").close()


def _set_up_sqlite(connection: SQLiteConnection, _entry: ConnectionPoolEntry) -> None:
    # By default the driver begins no transaction before a read, and a deferred one before a write.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")
    # Overwrite deleted data in the file, instead of only marking its space as free.
    connection.execute("PRAGMA secure_delete = ON")


def _is_operational(error: DatabaseError | PoolExhausted) -> bool:
    # sqlite3 reports a damaged file as a plain DatabaseError, not as one of its subclasses.
    return isinstance(error, OperationalError | PoolExhausted) or type(error) is DatabaseError


def _advice(error: DatabaseError | PoolExhausted) -> str:
    message = str(getattr(error, "orig", None) or error)
    matches = (advice for phrase, advice in _ADVICE.items() if phrase in message)
    return next(matches, f"does not answer: {message.strip().splitlines()[0]}")
