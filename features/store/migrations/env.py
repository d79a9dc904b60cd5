"""Alembic's environment: runs the migrations on the connection that `migrate` passes."""

from alembic import context

from features.store.tables import VERSION_TABLE, Base


def run_migrations() -> None:
    """Run the missing migrations inside the caller's transaction."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=Base.metadata,
        version_table=VERSION_TABLE,
    )
    context.run_migrations()


# The context has a configuration only when Alembic runs this file, so an import does nothing.
if hasattr(context, "config"):
    run_migrations()
