"""Reads and writes SQLite and PostgreSQL in one way."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import nan
from pathlib import Path
from sqlite3 import Connection as SQLiteConnection
from typing import Any

from pydantic_core import to_json
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from features.errors import StoreUnavailable
from features.store.connection_pool import OPEN_FILES, ConnectionPool
from features.store.database_errors import translated_errors
from features.store.postgresql_limits import limit_connecting, limit_waiting, restore_limits
from features.store.sqlite_files import DatabaseFile
from features.store.tables import VERSION_TABLE
from features.store.waiting import BUSY_TIMEOUT_SECONDS, seconds_left
from features.store.write_check import WriteCheck

Insert = sqlite.Insert | postgresql.Insert

_SHARED_READS: ContextVar[tuple["Database", Connection] | None] = ContextVar(
    "shared_reads", default=None
)
_BUSY_TIMEOUT = "busy_timeout"
_READERS = 10
# SQLite has one writer at a time. In a queue of the process it gets its turn in order.
_WRITERS = {"sqlite": 1, "postgresql": 5}
_EMPTY_LOG_TIMEOUT_SECONDS = 1.0
_LONGEST_TIMEOUT_SECONDS = 86_400.0
_UNREADABLE_URL = (
    "the database URL cannot be read; write sqlite:///FILE or postgresql://USER@HOST/NAME"
)


class Database:
    """A database, named by its URL; it is opened at first use.

    A write is one short transaction. In SQLite it takes the write lock at its start, so that it
    cannot fail halfway for lack of the lock. A read sees one state of the data, even while others
    write; it has connections of its own, and never waits for a write, unless SQLite keeps no
    write-ahead log because the file system does not allow one. Beginning a transaction takes
    at most `BUSY_TIMEOUT_SECONDS`, in SQLite the `timeout` of the URL. If the database is missing,
    busy, full or damaged, or if its file was removed or replaced, `StoreUnavailable` is raised.
    """

    def __init__(self, url: str) -> None:
        address = _parse(url)
        self.name = _name(address)
        self.backend = address.get_backend_name()
        self.write_check = WriteCheck(self._change_nothing)
        self._seconds = _timeout(address)
        self._file = _file(address)
        writing = _engine(address, self._file, _WRITERS[self.backend])
        reading = writing if self._is_in_memory else _engine(address, self._file, _READERS)
        if self.backend == "postgresql":
            reading = reading.execution_options(isolation_level="REPEATABLE READ")
        self._writers = ConnectionPool(
            writing, name=self.name, places=_WRITERS[self.backend], begin=_begin_write
        )
        self._readers = ConnectionPool(reading, name=self.name, places=_READERS, begin=_begin_read)

    @property
    def _is_in_memory(self) -> bool:
        return self.backend == "sqlite" and self._file is None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection that sees one state of the database."""
        shared = _SHARED_READS.get()
        if shared is not None and shared[0] is self:
            with translated_errors(self.name):
                yield shared[1]
            return
        with translated_errors(self.name), self._readers.transaction(self._seconds) as connection:
            yield connection

    @contextmanager
    def one_state(self) -> Iterator[None]:
        """Let all reads of the block, in this thread, see one state of the database.

        They share a transaction, which costs less than one each.
        """
        with self.read() as connection:
            before = _SHARED_READS.set((self, connection))
            try:
                yield
            finally:
                _SHARED_READS.reset(before)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield a connection that commits at the end of the block, or rolls back on an error.

        A change to a file that was removed or replaced meanwhile is refused too, after the commit.
        """
        try:
            with translated_errors(self.name):
                with self._writers.transaction(self._seconds) as connection:
                    files = connection.info.get(OPEN_FILES)
                    yield connection
                if files is not None:
                    files.check()
        except StoreUnavailable as error:
            self.write_check.note(error)
            raise
        self.write_check.note(None)

    def empty_log(self) -> bool:
        """Move SQLite's write-ahead log, which contains deleted data, into the database file.

        Returns False if another connection still reads an older state after a second. The log is
        then emptied by a later call, or when the last connection is closed.
        """
        if self.backend != "sqlite":
            return True
        with translated_errors(self.name), self._writers.connection(self._seconds) as connection:
            _set_busy_timeout(connection, _EMPTY_LOG_TIMEOUT_SECONDS)
            checkpoint = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            return not checkpoint.scalar_one()

    def _change_nothing(self) -> None:
        with self.write() as connection:
            connection.exec_driver_sql(
                f"UPDATE {VERSION_TABLE} SET version_num = version_num"  # noqa: S608
            )

    def close(self) -> None:
        """Close every pooled connection; the next use may open another file."""
        self._readers.close()
        self._writers.close()
        if self._file is not None:
            self._file.forget()


def insert_into(connection: Connection, table: type[Any]) -> Insert:
    """Return an insert statement of the database's dialect, which supports `ON CONFLICT`."""
    return insert_of(connection.dialect.name, table)


def insert_of(dialect: str, table: type[Any]) -> Insert:
    """Return an insert statement of this dialect; see `insert_into`."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def sqlite_file_and_name(url: str) -> tuple[Path | None, str]:
    """Return the file of an SQLite database, else None, and the address without the password.

    >>> file, name = sqlite_file_and_name("postgresql://triage:secret@db/precedent")
    >>> file, name
    (None, 'postgresql+psycopg://triage:***@db/precedent')
    """
    address = _parse(url)
    file = _file(address)
    return None if file is None else file.path, _name(address)


def _name(address: URL) -> str:
    return address.set(query={}).render_as_string(hide_password=True)


def _parse(url: str) -> URL:
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreUnavailable(_UNREADABLE_URL) from None
    if address.drivername == "postgresql":
        return address.set(drivername="postgresql+psycopg")
    if address.get_backend_name() not in _WRITERS:
        raise StoreUnavailable(
            f"a database of kind {address.drivername!r} cannot hold the store; "
            "write sqlite:///FILE or postgresql://USER@HOST/NAME"
        )
    return address


def _timeout(address: URL) -> float:
    stated = address.query.get("timeout", str(BUSY_TIMEOUT_SECONDS))
    try:
        seconds = float(str(stated))
    except ValueError:
        seconds = nan
    if not 0 <= seconds <= _LONGEST_TIMEOUT_SECONDS:
        raise StoreUnavailable(
            f"the timeout {stated!r} in the database URL is not usable; write a number of seconds "
            "up to 86400, such as ?timeout=10"
        )
    return seconds


def _file(address: URL) -> DatabaseFile | None:
    """Return the file of an SQLite database, None for one in memory and for PostgreSQL."""
    if address.get_backend_name() != "sqlite" or address.database in (None, "", ":memory:"):
        return None
    return DatabaseFile(Path(str(address.database)).absolute())


def _engine(address: URL, file: DatabaseFile | None, places: int) -> Engine:
    is_server = address.get_backend_name() == "postgresql"
    sizes = {"pool_size": places, "max_overflow": 0, "pool_use_lifo": True}
    try:
        engine = create_engine(
            address,
            pool_pre_ping=is_server,
            json_serializer=_json,
            **(sizes if is_server or file is not None else {}),
        )
    except ModuleNotFoundError as error:
        raise StoreUnavailable(
            f"the driver {error.name} is missing; run: pip install 'precedent[postgresql]'"
        ) from error
    except (ArgumentError, ValueError):
        raise StoreUnavailable(_UNREADABLE_URL) from None
    if is_server:
        event.listen(engine, "do_connect", limit_connecting)
        event.listen(engine, "connect", limit_waiting)
        event.listen(engine, "reset", restore_limits)
    else:
        _set_up_sqlite(engine, file)
    return engine


def _json(value: object) -> str:
    # Several times faster than the standard library, so the write lock is released sooner.
    return to_json(value).decode()


def _begin_read(connection: Connection, seconds: float) -> None:
    if connection.dialect.name == "sqlite":
        _set_busy_timeout(connection, seconds)
        connection.exec_driver_sql("BEGIN")


def _begin_write(connection: Connection, seconds: float) -> None:
    if connection.dialect.name == "sqlite":
        _set_busy_timeout(connection, seconds)
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        # 0 would mean: without a limit.
        milliseconds = max(1, round(seconds * 1000))
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {milliseconds}")


def _set_busy_timeout(connection: Connection, seconds: float) -> None:
    # In steps of a tenth of a second, so that most transactions find the timeout set already.
    milliseconds = round(seconds, 1 if seconds >= 1 else 3) * 1000
    if connection.info.get(_BUSY_TIMEOUT) != milliseconds:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {round(milliseconds)}").close()
        connection.info[_BUSY_TIMEOUT] = milliseconds


def _set_up_sqlite(engine: Engine, file: DatabaseFile | None) -> None:
    def open_same_file(
        _dialect: object, _entry: object, arguments: list[str], parameters: dict[str, Any]
    ) -> None:
        if file is not None:
            file.check()
            arguments[0] = file.uri
            parameters["uri"] = True
            parameters["timeout"] = seconds_left()

    def set_up(connection: SQLiteConnection, entry: ConnectionPoolEntry) -> None:
        # By default the driver begins no transaction before a read, and a deferred one before a
        # write.
        connection.isolation_level = None
        # SQLite answers with another mode if the file system does not allow this one.
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        # Overwrite deleted data in the file, instead of only marking its space as free.
        connection.execute("PRAGMA secure_delete = ON")
        if file is not None:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            try:
                entry.info[OPEN_FILES] = file.opened(has_log=mode == "wal")
            except StoreUnavailable:
                connection.close()
                raise

    event.listen(engine, "do_connect", open_same_file)
    event.listen(engine, "connect", set_up)
