"""MLflow's database on a PostgreSQL server."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any

from features.errors import RegistryUnavailable
from models.artifacts.registries.sql_registry import Query

# psycopg is imported where it is used: it is only installed for PostgreSQL.
if TYPE_CHECKING:
    from psycopg import Connection


class PostgresqlDatabase:
    """A PostgreSQL database with MLflow's tables; threads may share it."""

    def __init__(self, address: str) -> None:
        scheme, _, rest = address.partition("://")
        self._address = f"{scheme.partition('+')[0]}://{rest}"
        self._lock = RLock()
        self._connection: Connection | None = None

    def revision(self) -> object:
        """Return None: PostgreSQL has no cheap count of changes."""
        return None

    @contextmanager
    def transaction(self, *, writes: bool) -> Iterator[Query]:
        """Open a transaction; it is undone if the block raises an error."""
        with self._lock, _psycopg_errors():
            connection = self._connect()
            with connection.transaction():
                # All reads see the same state.
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                if not writes:
                    connection.execute("SET TRANSACTION READ ONLY")
                yield _query_of(connection)

    def _connect(self) -> "Connection":
        import psycopg

        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._address, autocommit=True, connect_timeout=10)
        return self._connection


@contextmanager
def _psycopg_errors() -> Iterator[None]:
    try:
        import psycopg
    except ImportError as error:
        raise RegistryUnavailable(
            "the model registry is in PostgreSQL; install precedent[postgresql]"
        ) from error
    try:
        yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
        raise RegistryUnavailable(
            f"the database is not a model registry of MLflow 3.17 or later ({_first_line(error)}); "
            "check its address, or run `mlflow db upgrade` after a backup"
        ) from error
    except psycopg.Error as error:
        raise RegistryUnavailable(
            f"the model registry does not answer: {_first_line(error)}"
        ) from error


def _query_of(connection: "Connection") -> Query:
    def query(statement: str, parameters: Sequence[object]) -> Sequence[tuple[Any, ...]]:
        cursor = connection.execute(statement.replace("?", "%s"), parameters)
        return cursor.fetchall() if cursor.description else []

    return query


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
