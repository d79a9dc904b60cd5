"""A pool of connections for one purpose, which its threads get in the order in which they ask."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from time import monotonic

from sqlalchemy import Connection, Engine

from features.errors import StoreUnavailable
from features.store.database_errors import BUSY
from features.store.sqlite_files import OpenFiles
from features.store.waiting import FairQueue, waiting_until

OPEN_FILES = "open_files"
"""The key of a connection's `info` with the files that it has open; SQLite only."""


class ConnectionPool:
    """Connections to read or to write with, at most `places` at a time.

    `begin` sends the statements that begin a transaction. It gets the connection and the seconds
    that may pass until the transaction has begun.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        name: str,
        places: int,
        begin: Callable[[Connection, float], None],
    ) -> None:
        self._engine = engine
        self._name = name
        self._queue = FairQueue(places)
        self._begin = begin

    @contextmanager
    def transaction(self, seconds: float) -> Iterator[Connection]:
        """Yield a connection in a transaction, which is committed unless the block fails.

        Waiting for a turn, connecting and waiting for a lock end after `seconds` in all.
        """
        deadline = monotonic() + seconds
        with self.connection(seconds) as connection, ExitStack() as stack:
            with waiting_until(deadline):
                stack.enter_context(connection.begin())
                self._begin(connection, max(0.0, deadline - monotonic()))
            yield connection

    @contextmanager
    def connection(self, seconds: float) -> Iterator[Connection]:
        """Yield a connection without a transaction, for what cannot be done inside of one."""
        deadline = monotonic() + seconds
        if not self._queue.enter(seconds):
            raise StoreUnavailable(f"the database {self._name} {BUSY}")
        try:
            with ExitStack() as stack:
                with waiting_until(deadline):
                    connection = stack.enter_context(self._engine.connect())
                    _check_files(connection)
                yield connection
        finally:
            self._queue.leave()

    def close(self) -> None:
        """Close every connection that is not in use."""
        self._engine.dispose()


def _check_files(connection: Connection) -> None:
    files: OpenFiles | None = connection.info.get(OPEN_FILES)
    if files is not None:
        files.check()
