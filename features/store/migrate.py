"""Brings a database to the schema that this code expects."""

from threading import Lock

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from features.errors import StoreUnavailable
from features.store.database import Database
from features.store.tables import VERSION_TABLE

_ADVISORY_LOCK = 7_366_020_171

# Alembic keeps its context in a module, so that two threads would mix theirs up.
_ONE_THREAD = Lock()


def migrate(database: Database) -> None:
    """Create or upgrade the tables of the store, at once or not at all.

    Any number of processes may do so at the same time: one works, the others wait for it. Raises
    `StoreUnavailable` when the database cannot be reached or is newer than this code.
    """
    config = Config()
    config.set_main_option("script_location", "features.store:migrations")
    script = ScriptDirectory.from_config(config)
    with database.read() as connection:
        if _is_current(connection, script, database.name):
            return
    with _ONE_THREAD, database.write() as connection:
        _wait_for_others(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _is_current(connection: Connection, script: ScriptDirectory, name: str) -> bool:
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    present = set(context.get_current_heads())
    unknown = present - {revision.revision for revision in script.walk_revisions()}
    if unknown:
        raise StoreUnavailable(
            f"the database {name} has schema {', '.join(sorted(unknown))}, which is newer than "
            "this version of precedent; upgrade precedent or name another database"
        )
    return present == set(script.get_heads())


def _wait_for_others(connection: Connection) -> None:
    # SQLite's write transaction excludes every other writer already.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
