"""Counters of each tenant: revisions that workers compare, and numbers of append-only rows."""

from functools import cache

from sqlalchemy import Connection, Integer, bindparam, func, select
from sqlalchemy.sql.dml import ReturningInsert

from features.store.database import insert_of
from features.store.tables import AuditEventRow, LabelRow, RevisionRow, RunbookRevisionRow

Counter = type[RevisionRow] | type[RunbookRevisionRow]
Numbered = type[LabelRow] | type[AuditEventRow]

# Built once: most of a short query's time is spent on building it.
_REVISIONS = {
    counter: select(counter.revision).where(counter.tenant == bindparam("tenant"))
    for counter in (RevisionRow, RunbookRevisionRow)
}


def select_revision(connection: Connection, counter: Counter, tenant: str) -> int:
    """Return the tenant's revision, 0 before the first write."""
    return connection.scalar(_REVISIONS[counter], {"tenant": tenant}) or 0


def move_revision(connection: Connection, counter: Counter, tenant: str, *, by: int = 1) -> int:
    """Increase the tenant's revision and return it.

    Each write of the counted rows calls this first. The counter's row stays locked until the
    commit, so revisions are committed in order: a worker that reads a revision also sees the writes
    of all earlier revisions. With `by` 0 the row is only locked, for a write that may turn out to
    change nothing.
    """
    moved = {"for_tenant": tenant, "moved_by": by}
    statement = _increment(connection.dialect.name, counter)
    return int(connection.execute(statement, moved).scalar_one())


@cache
def _increment(dialect: str, counter: Counter) -> ReturningInsert[int]:
    by = bindparam("moved_by", type_=Integer)
    insertion = insert_of(dialect, counter).values(tenant=bindparam("for_tenant"), revision=by)
    statement = insertion.on_conflict_do_update(
        index_elements=["tenant"], set_={"revision": counter.revision + by}
    )
    return statement.returning(counter.revision)


def lock_tenant(connection: Connection, tenant: str) -> None:
    """Lock the tenant's incidents, labels and audit log against other writers until the commit."""
    move_revision(connection, RevisionRow, tenant, by=0)


def next_number(connection: Connection, table: Numbered, tenant: str) -> int:
    """Return the number of the tenant's next row; a lock keeps other writers from using it."""
    lock_tenant(connection, tenant)
    query = select(func.max(table.number)).where(table.tenant == tenant)
    return (connection.scalar(query) or 0) + 1
