"""Counters of each tenant: revisions that workers compare, and numbers of append-only rows."""

from sqlalchemy import Connection, func, select

from features.store.database import insert_into
from features.store.tables import AuditEventRow, LabelRow, RevisionRow, RunbookRevisionRow

Counter = type[RevisionRow] | type[RunbookRevisionRow]
Numbered = type[LabelRow] | type[AuditEventRow]


def select_revision(connection: Connection, counter: Counter, tenant: str) -> int:
    """Return the tenant's revision, 0 before the first write."""
    query = select(counter.revision).where(counter.tenant == tenant)
    return connection.scalar(query) or 0


def move_revision(connection: Connection, counter: Counter, tenant: str, *, by: int = 1) -> int:
    """Increase the tenant's revision and return it.

    Each write of the counted rows calls this first. The counter's row stays locked until the
    commit, so revisions are committed in order: a worker that reads a revision also sees the writes
    of all earlier revisions. With `by` 0 the row is only locked, for a write that may turn out to
    change nothing.
    """
    insertion = insert_into(connection, counter).values(tenant=tenant, revision=by)
    statement = insertion.on_conflict_do_update(
        index_elements=["tenant"], set_={"revision": counter.revision + by}
    )
    return int(connection.execute(statement.returning(counter.revision)).scalar_one())


def lock_tenant(connection: Connection, tenant: str) -> None:
    """Lock the tenant's incidents, labels and audit log against other writers until the commit."""
    move_revision(connection, RevisionRow, tenant, by=0)


def next_number(connection: Connection, table: Numbered, tenant: str) -> int:
    """Return the number of the tenant's next row; a lock keeps other writers from using it."""
    lock_tenant(connection, tenant)
    query = select(func.max(table.number)).where(table.tenant == tenant)
    return (connection.scalar(query) or 0) + 1
