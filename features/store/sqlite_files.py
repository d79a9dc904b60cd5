"""Notices that the files of an SQLite database were removed or replaced while they are open.

An open connection goes on with a removed file: it answers, it even commits, and all is lost when it
is closed. With a replaced file, new connections would read and write another database.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from features.errors import StoreUnavailable

Identity = tuple[int, int]
"""The device and the inode of a file."""

_SET_ASIDE = "-wal-of-replaced-file"


@dataclass(frozen=True, slots=True)
class OpenFiles:
    """The files that one connection has open: the database, its write-ahead log and its index.

    `real` is the database's path without links, beside which SQLite keeps the log. `log` and
    `log_index` are None on a file system on which SQLite keeps no write-ahead log.
    """

    database: Path
    real: Path
    identity: Identity
    log: Identity | None
    log_index: Identity | None

    def check(self) -> None:
        """Raise `StoreUnavailable` unless the connection's files are where it opened them.

        It costs three calls of `os.stat`. If the same files are moved back, the check succeeds
        again. The log of a database that was replaced is set aside, because SQLite would apply it
        to the new file at the next start and so damage it.
        """
        present = _identity(self.database)
        if present != self.identity:
            if present is not None and self.log is not None:
                _move(_log(self.real), _set_aside_log(self.real), self.log)
            raise _changed(self.database, present)
        if self.log is None:
            return
        is_log_present = _identity(_log(self.real)) == self.log or _move(
            _set_aside_log(self.real), _log(self.real), self.log
        )
        if not is_log_present or _identity(_log_index(self.real)) != self.log_index:
            raise StoreUnavailable(
                f"the files {self.real}-wal and -shm, which hold the newest changes, were "
                "removed or replaced while in use; stop all processes of the service, which moves "
                "the changes into the database, and start it again"
            )


class DatabaseFile:
    """The file of an SQLite database; every connection of a process must open the same file.

    The file that the first connection opens is remembered. Another file in its place needs a
    restart, because indexes and counters in memory were made from the first one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._identity: Identity | None = None
        self._lock = Lock()

    @property
    def uri(self) -> str:
        """The URI to connect to. Only the first connection may create the file."""
        mode = "rwc" if self._identity is None else "rw"
        return f"{self.path.as_uri()}?mode={mode}"

    def check(self) -> None:
        """Raise `StoreUnavailable` if the file is not the one that the first connection opened."""
        present = _identity(self.path)
        if self._identity not in (None, present):
            raise _changed(self.path, present)

    def opened(self, *, has_log: bool) -> OpenFiles:
        """Return the files that a connection has just opened; raises `StoreUnavailable`.

        `has_log` is whether SQLite keeps a write-ahead log for the file. The connection must have
        read once, since only then its log is open.
        """
        with self._lock:
            self.check()
            identity, real = _identity(self.path), self.path.resolve()
            log = _identity(_log(real)) if has_log else None
            log_index = _identity(_log_index(real)) if has_log else None
            if identity is None or (has_log and None in (log, log_index)):
                raise _changed(self.path, None)
            self._identity = identity
        return OpenFiles(self.path, real, identity, log, log_index)

    def forget(self) -> None:
        """Let the next connection open whatever file is there then."""
        self._identity = None


def database_files(database: Path) -> frozenset[Path]:
    """Return the paths, without links, of all files in which a database may keep its content.

    If the database is a link, its own path is among them.
    """
    named = database.parent.resolve() / database.name
    suffixes = ("", "-wal", "-shm", "-journal", _SET_ASIDE)
    return frozenset(
        file.with_name(file.name + suffix)
        for file in (named, database.resolve())
        for suffix in suffixes
    )


def _identity(file: Path) -> Identity | None:
    try:
        status = os.stat(file)  # noqa: PTH116 - half the time of `Path.stat`
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _log(database: Path) -> Path:
    return database.with_name(f"{database.name}-wal")


def _log_index(database: Path) -> Path:
    return database.with_name(f"{database.name}-shm")


def _set_aside_log(database: Path) -> Path:
    return database.with_name(f"{database.name}{_SET_ASIDE}")


def _move(source: Path, destination: Path, identity: Identity) -> bool:
    """Move a file if it is the one with this identity; returns whether it is now there."""
    if _identity(source) == identity:
        # Another process of the service may have moved it already.
        with suppress(OSError):
            source.replace(destination)
    return _identity(destination) == identity


def _changed(database: Path, present: Identity | None) -> StoreUnavailable:
    if present is None:
        return StoreUnavailable(
            f"the database file {database} was removed while it was in use; move the same file "
            "back, or stop the service, restore a backup with precedent restore DIR, and start it "
            "again"
        )
    return StoreUnavailable(
        f"the database file {database} was replaced by another one while it was in use; move the "
        "first file back, or restart the service to use the new one"
    )
