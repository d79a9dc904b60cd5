"""Migrates a database to the schema that this code expects."""

from threading import Lock

from sqlalchemy import Connection, inspect, text

from features.errors import StoreUnavailable
from features.store.database import Database
from features.store.postgresql_limits import allow_long_statements
from features.store.tables import SCHEMA_REVISION, VERSION_TABLE

_ADVISORY_LOCK = 7_366_020_171

# Alembic keeps its context in a module, so only one thread may use it at a time.
_ALEMBIC_LOCK = Lock()


def migrate(database: Database) -> None:
    """Create or upgrade the tables of the store in one transaction.

    Several processes may call it at the same time: one migrates, the others wait. Raises
    `StoreUnavailable` if the database cannot be reached or is newer than this code.
    """
    with database.read() as connection:
        present = _revisions(connection)
    if present != {SCHEMA_REVISION}:
        _upgrade(database, present)


def _revisions(connection: Connection) -> set[str]:
    if not inspect(connection).has_table(VERSION_TABLE):
        return set()
    return set(connection.scalars(text(f"SELECT version_num FROM {VERSION_TABLE}")))  # noqa: S608


def _upgrade(database: Database, present: set[str]) -> None:
    # Imported here because most commands do not need Alembic, and importing it takes long.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "features.store:migrations")
    revisions = ScriptDirectory.from_config(config).walk_revisions()
    if unknown := present - {revision.revision for revision in revisions}:
        raise StoreUnavailable(
            f"the database {database.name} has schema {', '.join(sorted(unknown))}, which is newer "
            "than this version of precedent; upgrade precedent or name another database"
        )
    with _ALEMBIC_LOCK, database.write() as connection:
        _prepare(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _prepare(connection: Connection) -> None:
    # In SQLite the write transaction already excludes all other writers.
    if connection.dialect.name == "postgresql":
        # A migration may build an index over millions of rows.
        allow_long_statements(connection)
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
