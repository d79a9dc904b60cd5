"""Cursors of lists, as callers see them: opaque texts that need no escaping in a URL."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from datetime import datetime

from features.store.incidents.incident_search import InboxCursor
from features.store.incidents.series_routines import RoutineCursor
from features.text.parsing import as_utc
from serving.runtime.errors import FieldError, InvalidFields


def write_cursor(cursor: InboxCursor) -> str:
    """Return a cursor as text; `read_cursor` reads it.

    >>> read_cursor(write_cursor(InboxCursor(None, "INC1")))
    InboxCursor(opened_at=None, id='INC1')
    """
    opened_at = None if cursor.opened_at is None else cursor.opened_at.isoformat()
    content = json.dumps([opened_at, cursor.id], separators=(",", ":")).encode()
    return urlsafe_b64encode(content).decode().rstrip("=")


def read_cursor(text: str) -> InboxCursor:
    """Return the cursor in a text; raises `InvalidFields` if it is not from `write_cursor`."""
    try:
        content = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        opened_at, id_ = json.loads(content)
        if not isinstance(id_, str):
            raise TypeError
        return InboxCursor(None if opened_at is None else as_utc(_moment(opened_at)), id_)
    except (NotBase64, ValueError, TypeError):
        raise unknown_cursor() from None


def write_routine_cursor(cursor: RoutineCursor) -> str:
    """Return the cursor of a list of routines as text; `read_routine_cursor` reads it."""
    return write_cursor(InboxCursor(cursor.learned_at, cursor.id))


def read_routine_cursor(text: str) -> RoutineCursor:
    """Return the cursor in a text; raises `InvalidFields` if it is not from a list of routines."""
    place = read_cursor(text)
    if place.opened_at is None:
        raise unknown_cursor()
    return RoutineCursor(place.opened_at, place.id)


def unknown_cursor() -> InvalidFields:
    """Return the error of a cursor that names no place in the list."""
    return InvalidFields([FieldError("cursor", "is not from an answer: leave it out to begin")])


def _moment(text: object) -> datetime:
    return datetime.fromisoformat(text)  # type: ignore[arg-type]
