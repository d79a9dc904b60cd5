"""Leases: of several processes that could do a job, one does it while it says that it lives."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, func, or_, select

from features.store.database import insert_into
from features.store.tables import LeaseRow


def upsert_lease(
    connection: Connection, tenant: str, name: str, holder: str, seconds: float
) -> bool:
    """Take the lease or prolong it; False when somebody else holds it.

    One statement under the write lock, so that of two who ask at one moment one gets it.
    """
    now = _now(connection)
    given = {"tenant": tenant, "name": name, "holder": holder}
    new = {"holder": holder, "expires_at": now + timedelta(seconds=seconds)}
    is_free = or_(LeaseRow.holder == holder, LeaseRow.expires_at <= now)
    statement = (
        insert_into(connection, LeaseRow)
        .values(given | new)
        .on_conflict_do_update(index_elements=["tenant", "name"], set_=new, where=is_free)
        .returning(LeaseRow.holder)
    )
    return connection.execute(statement).one_or_none() is not None


def select_holder(connection: Connection, tenant: str, name: str) -> str | None:
    """Return who holds the lease now, None if nobody does."""
    held = (
        LeaseRow.tenant == tenant,
        LeaseRow.name == name,
        LeaseRow.expires_at > _now(connection),
    )
    holder: str | None = connection.scalar(select(LeaseRow.holder).where(*held))
    return holder


def delete_lease(connection: Connection, tenant: str, name: str, holder: str) -> None:
    """Give the lease back, unless somebody else holds it by now."""
    connection.execute(
        delete(LeaseRow).where(
            LeaseRow.tenant == tenant, LeaseRow.name == name, LeaseRow.holder == holder
        )
    )


def _now(connection: Connection) -> datetime:
    # Where processes run on several machines, only the server's clock is the same for all.
    if connection.dialect.name == "postgresql":
        now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return now
    return datetime.now(UTC)
