"""The inbox: the newest incidents, page by page, with filters and a search for words."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    case,
    exists,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased

from features.domain.report import ResolvedIncident, Status
from features.store.incidents.incidents import incident_from, select_incidents
from features.store.repository import Repository
from features.store.tables import IncidentRow, PredictionRow

_SEARCHED = (
    IncidentRow.id,
    IncidentRow.title,
    IncidentRow.description,
    IncidentRow.resolution,
    IncidentRow.service,
)


@dataclass(frozen=True, slots=True)
class InboxCursor:
    """The position after the last incident of a page, where the next page begins."""

    opened_at: datetime | None
    id: str

    @classmethod
    def after(cls, incident: ResolvedIncident) -> Self:
        """Return the position after an incident."""
        return cls(incident.report.opened_at, incident.report.id)


@dataclass(frozen=True, slots=True)
class InboxQuery:
    """The filters of the inbox; an incident must meet all filters that are set.

    Every word of `text` must occur in the id, the texts or the service; case does not matter.
    `category` and `severity` are compared with the outcome's label or, if there is none, with the
    newest prediction. `decision` is compared with the newest prediction of the category. An
    incident is open if its outcome is open; `status` tells stale ones from other open ones. With
    `opened_after`, incidents of unknown time are left out.
    """

    text: str = ""
    state: Literal["all", "open", "resolved"] = "all"
    category: str | None = None
    severity: str | None = None
    decision: str | None = None
    service: str | None = None
    status: Status | None = None
    opened_after: datetime | None = None
    limit: int = 25
    before: InboxCursor | None = None


@dataclass(frozen=True, slots=True)
class InboxPage:
    """A page of incidents, newest first; incidents of unknown time come last.

    `next` is where the next page begins, None on the last page. `total` is the number of incidents
    on all pages. It is None for a search by words or decision, because counting would be slow.
    """

    incidents: tuple[ResolvedIncident, ...]
    next: InboxCursor | None = None
    total: int | None = None


class InboxRepository(Repository):
    """The incidents of one tenant, as pages of the inbox."""

    def page(self, query: InboxQuery) -> InboxPage:
        """Return the page of matching incidents that begins at the query's cursor, newest first."""
        matching = select_incidents(self._tenant).where(*_conditions(self._tenant, query))
        with self._database.read() as connection:
            return _page(connection, matching, query)


def _page(connection: Connection, matching: Select[Any], query: InboxQuery) -> InboxPage:
    is_slow = bool(query.text.strip()) or query.decision is not None
    total = None if is_slow else _count(connection, matching)
    # One more incident than the page shows, to find out whether there is a next page.
    count = query.limit + 1 if total is None else min(query.limit + 1, total)
    rows: list[Row[Any]] = []
    for part in _ordered_parts(matching, query.before):
        if len(rows) < count:
            rows += connection.execute(part.limit(count - len(rows)))
    incidents = tuple(incident_from(row) for row in rows[: query.limit])
    has_next = len(rows) > len(incidents) > 0
    return InboxPage(incidents, InboxCursor.after(incidents[-1]) if has_next else None, total)


def _ordered_parts(incidents: Select[Any], after: InboxCursor | None) -> Iterator[Select[Any]]:
    """Yield the query for incidents of known time, then the one for those of unknown time.

    SQLite and PostgreSQL can answer each of these queries by reading an index in order.
    """
    opened_at, id = IncidentRow.opened_at, IncidentRow.id  # noqa: A001
    if after is None or after.opened_at is not None:
        dated = incidents.where(opened_at.is_not(None)).order_by(opened_at.desc(), id)
        if after is not None:
            comes_after = or_(opened_at < after.opened_at, id > after.id)
            dated = dated.where(opened_at <= after.opened_at, comes_after)
        yield dated
    undated = incidents.where(opened_at.is_(None)).order_by(id)
    if after is not None and after.opened_at is None:
        undated = undated.where(id > after.id)
    yield undated


def _conditions(tenant: str, query: InboxQuery) -> Iterator[ColumnElement[bool]]:
    if query.state != "all":
        yield IncidentRow.resolved.is_(query.state == "resolved")
    if query.status is not None:
        yield _has_status(query.status)
    if query.opened_after is not None:
        yield IncidentRow.opened_at > query.opened_after
    if query.category is not None:
        yield _has_label(tenant, IncidentRow.category, query.category)
    if query.severity is not None:
        yield _has_label(tenant, IncidentRow.severity, query.severity)
    if query.decision is not None:
        yield _has_decision(tenant, query.decision)
    if query.service is not None:
        yield IncidentRow.service == query.service
    for word in query.text.split():
        yield _contains(word)


def _has_status(status: Status) -> ColumnElement[bool]:
    if status is Status.RESOLVED:
        return IncidentRow.resolved.expression
    is_stale = func.coalesce(IncidentRow.status, "") == Status.STALE
    return ~IncidentRow.resolved & (is_stale if status is Status.STALE else ~is_stale)


def _contains(word: str) -> ColumnElement[bool]:
    # SQLite ignores the case of ASCII letters only.
    spellings = {word.lower()} if word.isascii() else {word.lower(), word.upper(), word.title()}
    return or_(
        *(
            column.icontains(spelling, autoescape=True)
            for column in _SEARCHED
            for spelling in sorted(spellings)
        )
    )


def _has_label(
    tenant: str, column: InstrumentedAttribute[str | None], label: str
) -> ColumnElement[bool]:
    # An audited answer is hidden until the outcome is known, so the filter must not reveal it.
    visible_label = case((PredictionRow.audit_share.is_(None), PredictionRow.label))
    newest = (
        select(visible_label)
        .where(
            PredictionRow.tenant == tenant,
            PredictionRow.incident_id == IncidentRow.id,
            PredictionRow.target == column.key,
        )
        .order_by(PredictionRow.answered_at.desc(), PredictionRow.prediction_id.desc())
        .limit(1)
    )
    predicted = newest.correlate(IncidentRow).scalar_subquery()
    return or_(column == label, and_(column.is_(None), predicted == label))


def _has_decision(tenant: str, decision: str) -> ColumnElement[bool]:
    # Selecting from the predictions is ten times faster than looking up each incident's newest one.
    later = aliased(PredictionRow)
    is_superseded = exists().where(
        later.tenant == tenant,
        later.incident_id == PredictionRow.incident_id,
        later.target == PredictionRow.target,
        tuple_(later.answered_at, later.prediction_id)
        > tuple_(PredictionRow.answered_at, PredictionRow.prediction_id),
    )
    incident_ids = select(PredictionRow.incident_id).where(
        PredictionRow.tenant == tenant,
        PredictionRow.target == "category",
        PredictionRow.decision == decision,
        ~is_superseded,
    )
    return IncidentRow.id.in_(incident_ids)


def _count(connection: Connection, incidents: Select[Any]) -> int:
    query = incidents.with_only_columns(func.count())
    return int(connection.execute(query).scalar_one())
