"""Leases: of several processes that could do a job, one does it while it says that it lives."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, func, or_, select

from features.store.database import insert_into
from features.store.repository import Repository
from features.store.tables import LeaseRow


class LeaseRepository(Repository):
    """The leases of one tenant, by name."""

    def take(self, name: str, holder: str, seconds: float) -> bool:
        """Take or prolong a lease for so long; False when somebody else holds it.

        One statement under the write lock, so that of two who ask at one moment one gets it.
        """
        with self._database.write() as connection:
            now = _now(connection)
            given = {"tenant": self._tenant, "name": name, "holder": holder}
            new = {"holder": holder, "expires_at": now + timedelta(seconds=seconds)}
            is_free = or_(LeaseRow.holder == holder, LeaseRow.expires_at <= now)
            statement = (
                insert_into(connection, LeaseRow)
                .values(given | new)
                .on_conflict_do_update(index_elements=["tenant", "name"], set_=new, where=is_free)
                .returning(LeaseRow.holder)
            )
            return connection.execute(statement).one_or_none() is not None

    def holder(self, name: str) -> str | None:
        """Return who holds a lease now, None if nobody does."""
        of_name = (LeaseRow.tenant == self._tenant, LeaseRow.name == name)
        with self._database.read() as connection:
            is_held = LeaseRow.expires_at > _now(connection)
            holder: str | None = connection.scalar(select(LeaseRow.holder).where(*of_name, is_held))
            return holder

    def release(self, name: str, holder: str) -> None:
        """Give a lease back; one that somebody else holds by now stays theirs."""
        own = (LeaseRow.tenant == self._tenant, LeaseRow.name == name, LeaseRow.holder == holder)
        with self._database.write() as connection:
            connection.execute(delete(LeaseRow).where(*own))


def _now(connection: Connection) -> datetime:
    # Where processes run on several machines, only the server's clock is the same for all.
    if connection.dialect.name == "postgresql":
        now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return now
    return datetime.now(UTC)
