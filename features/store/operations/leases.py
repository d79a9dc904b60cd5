"""Leases: only the process that holds a job's lease does the job, and it must renew the lease."""

import os
import socket
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import Connection, delete, func, or_, select

from features.store.database import insert_into
from features.store.repository import Repository
from features.store.tables import LeaseRow


def new_holder() -> str:
    """Return a name for a holder of leases: its machine, its process, and a random part."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"


class LeaseRepository(Repository):
    """The leases of one tenant, by name."""

    def take(self, name: str, holder: str, seconds: float) -> bool:
        """Take or renew a lease for this many seconds; False if another holder has it.

        A single statement checks and takes the lease, so if two processes ask at the same time,
        only one gets the lease.
        """
        with self._database.write() as connection:
            now = _now(connection)
            key = {"tenant": self._tenant, "name": name}
            new = {"holder": holder, "expires_at": now + timedelta(seconds=seconds)}
            is_free = or_(LeaseRow.holder == holder, LeaseRow.expires_at <= now)
            statement = (
                insert_into(connection, LeaseRow)
                .values(key | new)
                .on_conflict_do_update(index_elements=["tenant", "name"], set_=new, where=is_free)
                .returning(LeaseRow.holder)
            )
            return connection.execute(statement).one_or_none() is not None

    def holder(self, name: str) -> str | None:
        """Return the current holder of a lease, None if nobody holds it."""
        has_name = (LeaseRow.tenant == self._tenant, LeaseRow.name == name)
        with self._database.read() as connection:
            is_valid = LeaseRow.expires_at > _now(connection)
            query = select(LeaseRow.holder).where(*has_name, is_valid)
            holder: str | None = connection.scalar(query)
            return holder

    def release(self, name: str, holder: str) -> None:
        """Release a lease; it stays if another holder has taken it in the meantime."""
        is_own = (LeaseRow.tenant == self._tenant, LeaseRow.name == name, LeaseRow.holder == holder)
        with self._database.write() as connection:
            connection.execute(delete(LeaseRow).where(*is_own))


def _now(connection: Connection) -> datetime:
    # With PostgreSQL, processes may run on several machines: only the server's clock is shared.
    if connection.dialect.name == "postgresql":
        now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return now
    return datetime.now(UTC)
