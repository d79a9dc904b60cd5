"""Translates the errors of SQLite and PostgreSQL into advice."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DatabaseError, OperationalError

from features.errors import StoreUnavailable

BUSY = "is busy; try again when the other writer is done"

_ADVICE = {
    "locked": BUSY,
    "lock timeout": BUSY,
    "statement timeout": "takes too long to answer; try again when it has less to do",
    "unable to open": "cannot be opened; check that its folder exists and can be written to",
    "readonly": "is read-only; give the user that runs this the right to write to it",
    "read-only": "is read-only; name a server that takes writes",
    "disk is full": "has no disk space left; free some and try again",
    "No space left": "has no disk space left; free some and try again",
    "not a database": "is not an SQLite file; name another file",
    "malformed": "is damaged; restore it from a backup",
}


@contextmanager
def translated_errors(name: str) -> Iterator[None]:
    """Raise `StoreUnavailable` with advice for an error of the database that has this name."""
    try:
        yield
    except DatabaseError as error:
        if not _is_operational(error):
            raise
        raise StoreUnavailable(
            f"the database {name} {describe(str(error.orig or error))}"
        ) from error


def _is_operational(error: DatabaseError) -> bool:
    # sqlite3 reports a damaged file as a plain DatabaseError, not as one of its subclasses.
    return (
        isinstance(error, OperationalError)
        or type(error) is DatabaseError
        or "read-only" in str(error.orig)
    )


def describe(message: str) -> str:
    """Return advice for a driver's message, or else its first line.

    >>> describe("database is locked")
    'is busy; try again when the other writer is done'
    """
    matches = (advice for phrase, advice in _ADVICE.items() if phrase in message)
    return next(matches, f"does not answer: {message.strip().splitlines()[0]}")
