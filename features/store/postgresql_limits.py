"""Limits how long a connection to PostgreSQL waits, also for a server that says nothing."""

from collections.abc import Callable, Generator
from functools import partial
from time import monotonic
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.pool import ConnectionPoolEntry

from features.store.waiting import seconds_left

STATEMENT_SECONDS = 30
"""How long the server works on one statement before it gives up."""

_SILENCE_SECONDS = STATEMENT_SECONDS + 5.0
_SHORTEST_CONNECT_SECONDS = 2


def limit_connecting(
    _dialect: object, _entry: object, _arguments: object, parameters: dict[str, Any]
) -> None:
    """Let a new connection wait for the server no longer than the running transaction may."""
    # Imported here because the driver is an optional library.
    from psycopg import OperationalError

    seconds = seconds_left()
    if seconds is None:
        return
    if not seconds:
        raise OperationalError("no answer within the time limit")
    # The driver takes whole seconds, and a smaller number as two.
    parameters["connect_timeout"] = max(_SHORTEST_CONNECT_SECONDS, int(seconds))


def limit_waiting(connection: Any, _entry: ConnectionPoolEntry) -> None:  # noqa: ANN401
    """Let the server end long statements, and the driver close a connection that is silent.

    The driver itself waits without a limit for a server that is paused or was cut off.
    """
    connection.wait = partial(_wait, connection, connection.wait)
    connection.execute(f"SET statement_timeout = '{STATEMENT_SECONDS}s'")
    connection.commit()


def allow_long_statements(connection: Connection) -> None:
    """Take the limits from a connection's statements until the end of the transaction."""
    driver: Any = connection.connection.driver_connection
    driver.wait.keywords["silence"] = float("inf")
    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")


def restore_limits(connection: Any, _entry: ConnectionPoolEntry, _state: object) -> None:  # noqa: ANN401
    """Limit the statements of a connection again that goes back to its pool."""
    connection.wait.keywords.pop("silence", None)


def _wait(
    connection: Any,  # noqa: ANN401
    wait: Callable[..., object],
    messages: Generator[Any, int, object],
    *options: float,
    silence: float = _SILENCE_SECONDS,
) -> object:
    left = seconds_left()
    limit = silence if left is None else left
    return wait(_until_silent(connection, messages, limit), *options)


def _until_silent(
    connection: Any,  # noqa: ANN401
    messages: Generator[Any, int, object],
    seconds: float,
) -> Generator[Any, int, object]:
    """Drive the driver's generator; close the connection after so many seconds without an event.

    The driver sends 0 every tenth of a second while nothing happens.
    """
    # Imported here because the driver is an optional library.
    from psycopg import OperationalError

    last_event = monotonic()
    try:
        wanted = next(messages)
        while True:
            event = yield wanted
            now = monotonic()
            if event:
                last_event = now
            elif now - last_event >= seconds:
                connection.close()
                raise OperationalError(f"no answer within {seconds:.0f} seconds")
            wanted = messages.send(event)
    except StopIteration as end:
        return end.value
