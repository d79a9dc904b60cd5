"""Reads when incidents opened, what says of which kind they are, and how long they were open."""

from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select

from features.domain.alerts.alert import OTHER_SERVICES, listed_services
from features.domain.opening import Opening, OpenTime
from features.domain.report import Status
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

    def open_times(
        self, start: datetime, end: datetime, *, at_most: timedelta
    ) -> tuple[OpenTime, ...]:
        """Return when incidents were open on services within start and end, the earliest first.

        An incident counts for `at_most` after its opening, and not at all if nothing was heard of
        it for so long that it is stale, or if it was resolved at an unknown time.
        """
        is_open = and_(
            IncidentRow.resolved.is_(False),
            func.coalesce(IncidentRow.status, "") != Status.STALE,
        )
        others = IncidentRow.attributes[OTHER_SERVICES].as_string()
        query = (
            select(IncidentRow.service, others, IncidentRow.opened_at, IncidentRow.resolved_at)
            .where(
                IncidentRow.tenant == self._tenant,
                IncidentRow.opened_at > start - at_most,
                IncidentRow.opened_at <= end,
                or_(is_open, IncidentRow.resolved_at >= start),
            )
            .order_by(IncidentRow.opened_at, IncidentRow.id)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(
            OpenTime(
                ((row.service,) if row.service else ()) + listed_services(row[1] or ""),
                row.opened_at,
                _earlier(row.resolved_at, row.opened_at + at_most),
            )
            for row in rows
        )


def _earlier(first: datetime | None, second: datetime) -> datetime:
    return second if first is None else min(first, second)
