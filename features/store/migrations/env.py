"""Alembic's environment: runs the steps on the connection that `migrate` hands over."""

from alembic import context

from features.store.tables import VERSION_TABLE, Base


def run_steps() -> None:
    """Run what is missing, inside the caller's transaction."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=Base.metadata,
        version_table=VERSION_TABLE,
    )
    context.run_migrations()


# Only while Alembic runs this file has its context a configuration; an import does nothing.
if hasattr(context, "config"):
    run_steps()
