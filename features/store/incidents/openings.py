"""Reads when incidents opened, and what says of which kind they are."""

from datetime import datetime

from sqlalchemy import func, select

from features.domain.opening import Opening
from features.store.incidents.incident_search import newest_visible_label
from features.store.repository import Repository
from features.store.tables import IncidentRow

_TITLE_LENGTH = 200


class OpeningRepository(Repository):
    """The openings of one tenant's incidents; those of unknown time are left out.

    >>> from datetime import UTC, timedelta
    >>> from features.domain.report import IncidentReport, Outcome, ResolvedIncident
    >>> from features.store.store import open_store
    >>> noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    >>> with open_store("sqlite://") as store:
    ...     report = IncidentReport("INC1", noon, "VPN down", service="vpn")
    ...     _ = store.incidents.upsert([ResolvedIncident(report, Outcome())])
    ...     [opening] = store.openings.between(noon, noon + timedelta(hours=1), limit=10)
    >>> opening.id, opening.service
    ('INC1', 'vpn')
    """

    def between(self, start: datetime, end: datetime, *, limit: int) -> tuple[Opening, ...]:
        """Return the openings from start to before end, the newest first, at most `limit`.

        The category is that of the outcome or, without one, that of the newest answer that is not
        hidden. Only the first 200 characters of a title are read.
        """
        category = func.coalesce(
            IncidentRow.category, newest_visible_label(self._tenant, IncidentRow.category)
        )
        title = func.substr(IncidentRow.title, 1, _TITLE_LENGTH)
        query = (
            select(IncidentRow.id, IncidentRow.opened_at, title, IncidentRow.service, category)
            .where(
                IncidentRow.tenant == self._tenant,
                IncidentRow.opened_at >= start,
                IncidentRow.opened_at < end,
            )
            .order_by(IncidentRow.opened_at.desc(), IncidentRow.id)
            .limit(limit)
        )
        with self._database.read() as connection:
            return tuple(Opening(*row) for row in connection.execute(query))

    def count(self, start: datetime, end: datetime) -> int:
        """Return how many incidents opened from start to before end."""
        query = select(func.count()).where(
            IncidentRow.tenant == self._tenant,
            IncidentRow.opened_at >= start,
            IncidentRow.opened_at < end,
        )
        with self._database.read() as connection:
            return int(connection.scalar(query) or 0)
