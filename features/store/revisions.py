"""Counters of changes, one row for each tenant, that workers compare with what they hold."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from features.domain.report import ResolvedIncident
from features.store.database import insert_into
from features.store.tables import RevisionRow, RunbookRevisionRow

Counter = type[RevisionRow] | type[RunbookRevisionRow]


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs between an earlier revision and `revision`: one state, each id at most once."""

    revision: int
    upserted: tuple[ResolvedIncident, ...] = ()
    deleted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Revised:
    """The incident that was decided on, if any, and whether it had to be written."""

    incident: ResolvedIncident | None
    is_written: bool


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
