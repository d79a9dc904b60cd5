"""The inbox: the newest incidents, page by page, narrowed by filters and words."""

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

from features.domain.report import ResolvedIncident
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
    """The last incident of a page: the next page begins after it."""

    opened_at: datetime | None
    id: str

    @classmethod
    def after(cls, incident: ResolvedIncident) -> Self:
        """Return the cursor of an incident."""
        return cls(incident.report.opened_at, incident.report.id)


@dataclass(frozen=True, slots=True)
class InboxQuery:
    """What to show: everything, or only what meets each condition that is given.

    Every word of `text` must occur in the id, the texts or the service, in whatever case.
    `category` and `severity` are the known labels or, where none is known, those of the newest
    prediction; `decision` is that of the newest prediction of a category. An incident is open
    while its outcome is.
    """

    text: str = ""
    state: Literal["all", "open", "resolved"] = "all"
    category: str | None = None
    severity: str | None = None
    decision: str | None = None
    service: str | None = None
    limit: int = 25
    before: InboxCursor | None = None


@dataclass(frozen=True, slots=True)
class InboxPage:
    """Incidents, newest first and those of unknown time last.

    `next` is where the next page begins, None on the last. `total` counts the incidents of all
    pages, None for a search by words or decision, where counting takes longer than the page.
    """

    incidents: tuple[ResolvedIncident, ...]
    next: InboxCursor | None = None
    total: int | None = None


class InboxRepository(Repository):
    """The incidents of one tenant as a person looks through them."""

    def page(self, query: InboxQuery) -> InboxPage:
        """Return the incidents that meet the query, newest first, from its cursor on."""
        matching = select_incidents(self._tenant).where(*_conditions(self._tenant, query))
        with self._database.read() as connection:
            return _page(connection, matching, query)


def _page(connection: Connection, matching: Select[Any], query: InboxQuery) -> InboxPage:
    is_slow = bool(query.text.strip()) or query.decision is not None
    total = None if is_slow else _count(connection, matching)
    # One more than is shown tells whether there is a next page.
    wanted = query.limit + 1 if total is None else min(query.limit + 1, total)
    rows: list[Row[Any]] = []
    for stretch in _in_order(matching, query.before):
        if len(rows) < wanted:
            rows += connection.execute(stretch.limit(wanted - len(rows)))
    shown = tuple(incident_from(row) for row in rows[: query.limit])
    has_next = len(rows) > len(shown) > 0
    return InboxPage(shown, InboxCursor.after(shown[-1]) if has_next else None, total)


def _in_order(incidents: Select[Any], after: InboxCursor | None) -> Iterator[Select[Any]]:
    """Yield those of known time, then the others: two stretches of one index on any database."""
    opened_at, id = IncidentRow.opened_at, IncidentRow.id  # noqa: A001
    if after is None or after.opened_at is not None:
        dated = incidents.where(opened_at.is_not(None)).order_by(opened_at.desc(), id)
        if after is not None:
            later = or_(opened_at < after.opened_at, id > after.id)
            dated = dated.where(opened_at <= after.opened_at, later)
        yield dated
    undated = incidents.where(opened_at.is_(None)).order_by(id)
    if after is not None and after.opened_at is None:
        undated = undated.where(id > after.id)
    yield undated


def _conditions(tenant: str, query: InboxQuery) -> Iterator[ColumnElement[bool]]:
    if query.state != "all":
        yield IncidentRow.resolved.is_(query.state == "resolved")
    if query.category is not None:
        yield _is_labelled(tenant, IncidentRow.category, query.category)
    if query.severity is not None:
        yield _is_labelled(tenant, IncidentRow.severity, query.severity)
    if query.decision is not None:
        yield _is_decided(tenant, query.decision)
    if query.service is not None:
        yield IncidentRow.service == query.service
    for word in query.text.split():
        yield _contains(word)


def _contains(word: str) -> ColumnElement[bool]:
    # SQLite knows the two cases of ASCII letters only.
    spellings = {word.lower()} if word.isascii() else {word.lower(), word.upper(), word.title()}
    return or_(
        *(
            column.icontains(spelling, autoescape=True)
            for column in _SEARCHED
            for spelling in sorted(spellings)
        )
    )


def _is_labelled(
    tenant: str, known: InstrumentedAttribute[str | None], label: str
) -> ColumnElement[bool]:
    # What was drawn for audit is shown to nobody before its outcome: a filter must not tell either.
    shown = case((PredictionRow.audit_share.is_(None), PredictionRow.label))
    newest = (
        select(shown)
        .where(
            PredictionRow.tenant == tenant,
            PredictionRow.incident_id == IncidentRow.id,
            PredictionRow.target == known.key,
        )
        .order_by(PredictionRow.answered_at.desc(), PredictionRow.prediction_id.desc())
        .limit(1)
    )
    predicted = newest.correlate(IncidentRow).scalar_subquery()
    return or_(known == label, and_(known.is_(None), predicted == label))


def _is_decided(tenant: str, decision: str) -> ColumnElement[bool]:
    # From the predictions' side: asking for the newest of each incident takes ten times as long.
    later = aliased(PredictionRow)
    is_superseded = exists().where(
        later.tenant == tenant,
        later.incident_id == PredictionRow.incident_id,
        later.target == PredictionRow.target,
        tuple_(later.answered_at, later.prediction_id)
        > tuple_(PredictionRow.answered_at, PredictionRow.prediction_id),
    )
    decided = select(PredictionRow.incident_id).where(
        PredictionRow.tenant == tenant,
        PredictionRow.target == "category",
        PredictionRow.decision == decision,
        ~is_superseded,
    )
    return IncidentRow.id.in_(decided)


def _count(connection: Connection, incidents: Select[Any]) -> int:
    only_counted = incidents.with_only_columns(func.count())
    return int(connection.execute(only_counted).scalar_one())
