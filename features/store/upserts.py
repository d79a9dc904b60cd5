"""Statements that add rows, or replace those with the same key."""

from functools import cache

from sqlalchemy import Connection

from features.store.database import Insert, insert_of
from features.store.tables import Base


def upsert_into(
    connection: Connection, table: type[Base], key: tuple[str, ...], names: tuple[str, ...]
) -> Insert:
    """Return the statement that adds rows, in the dialect of a connection's database.

    Of a row with the same key, the columns of these names are replaced. The statement is built
    once, because that takes longer than writing a row.

    >>> from features.store.database import Database
    >>> from features.store.tables import RevisionRow
    >>> with Database("sqlite://").write() as connection:
    ...     print(upsert_into(connection, RevisionRow, ("tenant",), ("revision",)))
    INSERT INTO revisions (tenant, revision) VALUES (?, ?) \
ON CONFLICT (tenant) DO UPDATE SET revision = excluded.revision
    """
    return _upsert(connection.dialect.name, table, key, names)


@cache
def _upsert(
    dialect: str, table: type[Base], key: tuple[str, ...], names: tuple[str, ...]
) -> Insert:
    statement = insert_of(dialect, table)
    new = {name: statement.excluded[name] for name in names}
    return statement.on_conflict_do_update(index_elements=key, set_=new)
