"""Copies an SQLite database while others read and write it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from features.errors import StoreUnavailable
from features.store.database_errors import describe

_PAGES_AT_ONCE = 4_096


def copy_database(
    source: Path, destination: Path, advance: Callable[[int, int], None] | None = None
) -> None:
    """Copy one state of a database to a new file; `advance` gets the pages done and their number.

    The copy reads in one transaction. So it need not begin again when others write meanwhile, and
    its time grows with the size of the database alone. Raises `StoreUnavailable`.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     first, second = Path(folder, "a.db"), Path(folder, "b.db")
    ...     with closing(sqlite3.connect(first)) as database:
    ...         _ = database.execute("CREATE TABLE numbers AS SELECT 7 AS number")
    ...     copy_database(first, second)
    ...     with closing(sqlite3.connect(second)) as database:
    ...         database.execute("SELECT number FROM numbers").fetchone()
    (7,)
    """

    def report(_status: int, remaining: int, total: int) -> None:
        if advance is not None:
            advance(total - remaining, total)

    # The source is not opened read-only: if a write was killed, the next connection has to undo it.
    address = f"{source.absolute().as_uri()}?mode=rw"
    try:
        with (
            closing(sqlite3.connect(address, uri=True, isolation_level=None)) as reading,
            closing(sqlite3.connect(destination)) as copy,
        ):
            reading.execute("BEGIN")
            reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
            reading.backup(copy, pages=_PAGES_AT_ONCE, progress=report)
            # Otherwise a connection that only reads the copy would have to create a log beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
            problem = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise StoreUnavailable(f"the database {source} {describe(str(error))}") from error
    if problem != "ok":
        raise StoreUnavailable(f"the database {source} is damaged; restore it from a backup")
