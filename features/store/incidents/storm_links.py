"""The repository of what people said about which incidents belong to one storm."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select

from features.store.database import insert_into
from features.store.repository import Repository
from features.store.tables import StormLinkRow


class StormLinkRepository(Repository):
    """The links of one tenant: a person joined an incident to the head of a storm, or split it off.

    >>> from datetime import UTC
    >>> from features.store.store import open_store
    >>> noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    >>> with open_store("sqlite://") as store:
    ...     store.storm_links.record("b", "a", is_joined=True, given_by="ann", given_at=noon)
    ...     store.storm_links.of("b")
    {'a': True}
    """

    def record(
        self, incident: str, head: str, *, is_joined: bool, given_by: str, given_at: datetime
    ) -> None:
        """Record a person's word; it replaces what was said about the two before."""
        values = {"is_joined": is_joined, "given_by": given_by, "given_at": given_at}
        with self._database.write() as connection:
            statement = insert_into(connection, StormLinkRow).values(
                tenant=self._tenant, incident_id=incident, head_id=head, **values
            )
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["tenant", "incident_id", "head_id"], set_=values
                )
            )

    def of(self, incident: str, heads: Collection[str] | None = None) -> dict[str, bool]:
        """Return whether the incident was joined to each head (None: to all), the latest first."""
        query = (
            select(StormLinkRow.head_id, StormLinkRow.is_joined)
            .where(StormLinkRow.tenant == self._tenant, StormLinkRow.incident_id == incident)
            .order_by(StormLinkRow.given_at.desc(), StormLinkRow.head_id)
        )
        if heads is not None:
            query = query.where(StormLinkRow.head_id.in_(heads))
        with self._database.read() as connection:
            return {row.head_id: row.is_joined for row in connection.execute(query)}
