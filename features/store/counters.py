"""Counters of each tenant: revisions that workers compare, and numbers of rows only ever added."""

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
    """Move the tenant's revision on and return it.

    Each write calls this first: the row stays locked until the commit, so that revisions are
    committed in their order and a worker that has seen one has missed none before it. `by` 0 only
    locks the row, for a write that has yet to find out whether it changes anything.
    """
    first = insert_into(connection, counter).values(tenant=tenant, revision=by)
    statement = first.on_conflict_do_update(
        index_elements=["tenant"], set_={"revision": counter.revision + by}
    )
    return int(connection.execute(statement.returning(counter.revision)).scalar_one())


def lock_tenant(connection: Connection, tenant: str) -> None:
    """Make other writers of the tenant's incidents and ledgers wait until the commit."""
    move_revision(connection, RevisionRow, tenant, by=0)


def next_number(connection: Connection, table: Numbered, tenant: str) -> int:
    """Return the number of the tenant's next row; nobody else gets it until the commit."""
    lock_tenant(connection, tenant)
    query = select(func.max(table.number)).where(table.tenant == tenant)
    return (connection.scalar(query) or 0) + 1
