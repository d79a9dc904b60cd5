"""The inbox: the newest incidents, or those of a ranking, page by page and with filters."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, Literal, Self

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    ScalarSelect,
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
from features.store.tables import IncidentRow, PredictionRow, TrackingRow

_TRIED_FIRST = 200
_MOST_COUNTED = 10_000_000


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

    `text` is what `TextSearch` finds; the caller passes the ids to `ranked_page`.
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
    """A page of incidents: the newest first and those of unknown time last, or the best first.

    `next` is where the next page begins, None on the last page. `total` is the number of incidents
    on all pages. It is None for a search by words or decision, because counting would be slow.
    """

    incidents: tuple[ResolvedIncident, ...]
    next: InboxCursor | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """The facts by which open incidents are ranked.

    `severity` is what a person or the source stated, `predicted_severity` the label of the newest
    answer unless it belongs to the audit sample.
    """

    id: str
    opened_at: datetime | None
    status: Status | None
    severity: str | None
    attributes: Mapping[str, str]
    peak_severity: str | None
    consequence_of: str | None
    predicted_severity: str | None


@dataclass(frozen=True, slots=True)
class InboxCounts:
    """The numbers of incidents; those that are `stale` are among those that are `open`."""

    open: int
    stale: int
    resolved: int

    @property
    def all(self) -> int:
        """The number of all incidents."""
        return self.open + self.resolved


class InboxRepository(Repository):
    """The incidents of one tenant, as pages of the inbox."""

    def page(self, query: InboxQuery) -> InboxPage:
        """Return the page of matching incidents that begins at the query's cursor, newest first."""
        matching = select_incidents(self._tenant).where(*_conditions(self._tenant, query))
        with self._database.read() as connection:
            return _page(connection, matching, query)

    def open_incidents(self, query: InboxQuery, limit: int) -> tuple[OpenIncident, ...]:
        """Return the newest open incidents that meet the filters, at most `limit`, newest first.

        The query's text, state and cursor are ignored.
        """
        of_incident = (
            IncidentRow.id,
            IncidentRow.opened_at,
            IncidentRow.status,
            IncidentRow.severity,
            IncidentRow.attributes,
        )
        of_tracking = (TrackingRow.peak_severity, TrackingRow.consequence_of)
        is_tracked = and_(
            TrackingRow.tenant == IncidentRow.tenant, TrackingRow.incident_id == IncidentRow.id
        )
        predicted = newest_visible_label(self._tenant, IncidentRow.severity)
        matching = (
            select(*of_incident, *of_tracking, predicted)
            .outerjoin(TrackingRow, is_tracked)
            .where(
                IncidentRow.tenant == self._tenant,
                *_conditions(self._tenant, replace(query, state="open")),
            )
        )
        rows: list[Row[Any]] = []
        with self._database.read() as connection:
            for part in _ordered_parts(matching, None):
                if len(rows) < limit:
                    rows += connection.execute(part.limit(limit - len(rows)))
        return tuple(OpenIncident(*tuple(row)) for row in rows)

    def counts(self) -> InboxCounts:
        """Return how many incidents are open, stale and resolved."""
        tenant = IncidentRow.tenant == self._tenant
        # The order and the limit let SQLite find the open incidents in an index.
        newest = (
            select(IncidentRow.status)
            .where(tenant, IncidentRow.resolved.is_(False))
            .order_by(IncidentRow.opened_at.desc(), IncidentRow.id)
            .limit(_MOST_COUNTED)
            .subquery()
        )
        is_stale = func.coalesce(newest.c.status, "") == Status.STALE
        states = select(is_stale, func.count()).group_by(is_stale)
        every = select(func.count()).select_from(IncidentRow).where(tenant)
        with self._database.read() as connection:
            number_of = {bool(row[0]): int(row[1]) for row in connection.execute(states)}
            opened = sum(number_of.values())
            total = int(connection.scalar(every) or 0)
        return InboxCounts(opened, number_of.get(True, 0), total - opened)

    def resolved_since(self, moment: datetime) -> int:
        """Return how many incidents were resolved after a moment."""
        query = select(func.count()).where(
            IncidentRow.tenant == self._tenant,
            IncidentRow.resolved.is_(True),
            IncidentRow.resolved_at > moment,
        )
        with self._database.read() as connection:
            return int(connection.scalar(query) or 0)

    def ranked_page(self, ids: Sequence[str], query: InboxQuery) -> InboxPage:
        """Return the first incidents of a ranking that meet the filters, in its order.

        The query's text and cursor are ignored.
        """
        matching = select_incidents(self._tenant).where(*_conditions(self._tenant, query))
        first, others = ids[:_TRIED_FIRST], ids[_TRIED_FIRST:]
        with self._database.read() as connection:
            found = _select_in_order(connection, matching, first)
            missing = query.limit + 1 - len(found)
            if missing > 0 and others:
                # Few of the best met the filters. An index has the ids of all that do.
                meeting = set(connection.scalars(matching.with_only_columns(IncidentRow.id)))
                wanted = islice((id_ for id_ in others if id_ in meeting), missing)
                found += _select_in_order(connection, matching, list(wanted))
        incidents = tuple(found[: query.limit])
        has_next = len(found) > len(incidents) > 0
        return InboxPage(incidents, InboxCursor.after(incidents[-1]) if has_next else None)


def _select_in_order(
    connection: Connection, matching: Select[Any], ids: Sequence[str]
) -> list[ResolvedIncident]:
    rows = connection.execute(matching.where(IncidentRow.id.in_(ids)))
    of_id = {row.id: incident_from(row) for row in rows}
    return [of_id[id_] for id_ in ids if id_ in of_id]


def _page(connection: Connection, matching: Select[Any], query: InboxQuery) -> InboxPage:
    total = None if query.decision is not None else _count(connection, matching)
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


def _has_status(status: Status) -> ColumnElement[bool]:
    if status is Status.RESOLVED:
        return IncidentRow.resolved.expression
    is_stale = func.coalesce(IncidentRow.status, "") == Status.STALE
    return ~IncidentRow.resolved & (is_stale if status is Status.STALE else ~is_stale)


def _has_label(
    tenant: str, column: InstrumentedAttribute[str | None], label: str
) -> ColumnElement[bool]:
    predicted = newest_visible_label(tenant, column)
    return or_(column == label, and_(column.is_(None), predicted == label))


def newest_visible_label(
    tenant: str, column: InstrumentedAttribute[str | None]
) -> ScalarSelect[str | None]:
    """Return the query for the label of an incident's newest answer, unless it is hidden."""
    # An audited answer is hidden until the outcome is known, so nothing must reveal it.
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
    return newest.correlate(IncidentRow).scalar_subquery()


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
