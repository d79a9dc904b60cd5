"""The sessions of the page that were ended by signing out."""

from datetime import UTC, datetime

from sqlalchemy import delete, select

from features.store.database import insert_into
from features.store.repository import Repository
from features.store.tables import EndedSessionRow


class EndedSessionRepository(Repository):
    """The ended sessions of one tenant, each kept until it would have expired.

    >>> from datetime import timedelta
    >>> from features.store.store import open_store
    >>> now = datetime.now(UTC)
    >>> with open_store("sqlite://") as store:
    ...     store.ended_sessions.end("s1", now + timedelta(days=7))
    ...     store.ended_sessions.is_ended("s1"), store.ended_sessions.is_ended("s2")
    (True, False)
    """

    def end(self, session: str, expires_at: datetime) -> None:
        """Keep that a session was ended, and forget those that have expired."""
        is_own = EndedSessionRow.tenant == self._tenant
        has_expired = EndedSessionRow.expires_at <= datetime.now(UTC)
        row = {"tenant": self._tenant, "session": session, "expires_at": expires_at}
        with self._database.write() as connection:
            connection.execute(delete(EndedSessionRow).where(is_own, has_expired))
            statement = insert_into(connection, EndedSessionRow).values(row)
            connection.execute(statement.on_conflict_do_nothing())

    def is_ended(self, session: str) -> bool:
        """Return whether a session was ended."""
        is_session = (EndedSessionRow.tenant == self._tenant, EndedSessionRow.session == session)
        with self._database.read() as connection:
            query = select(EndedSessionRow.session).where(*is_session)
            return connection.execute(query).one_or_none() is not None
