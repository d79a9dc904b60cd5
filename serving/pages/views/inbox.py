"""The inbox: which incidents are asked for, and what one line says of each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

from features.domain.labels import LabelRecord
from features.domain.predictions import PredictionRecord
from features.domain.report import ResolvedIncident
from features.store.incidents.incident_search import InboxCursor, InboxQuery
from features.text.parsing import sanitise_text
from serving.background.champions import LoadedVersion
from serving.container import Container
from serving.pages.render.time_filters import moment
from serving.pages.views.triage_on_view import triage_unanswered
from serving.pages.views.visible_answers import (
    VisibleAnswer,
    VisibleAnswers,
    decided_targets,
    is_offered,
    known_labels,
    show,
)

State = Literal["all", "open", "resolved"]
STATES: Mapping[str, State] = {"all": "all", "open": "open", "resolved": "resolved"}
_MAX_SEARCH = 500


@dataclass(frozen=True, slots=True)
class InboxLine:
    """An incident with what was learned of it or else answered about it."""

    incident: ResolvedIncident
    answers: VisibleAnswers

    @property
    def is_open(self) -> bool:
        """Whether nothing was learned yet, other than which incident this one repeats."""
        return self.incident.outcome.is_open

    @property
    def category(self) -> VisibleAnswer | None:
        """What was answered, where the outcome does not say."""
        return self.answers.of("category")

    @property
    def severity(self) -> VisibleAnswer | None:
        """What was answered, where the outcome does not say."""
        return self.answers.of("severity")


@dataclass(frozen=True, slots=True)
class Inbox:
    """One page of the inbox with the choices that its filters offer."""

    query: InboxQuery
    lines: tuple[InboxLine, ...]
    total: int | None
    next: InboxCursor | None
    options: Mapping[str, tuple[str, ...]]

    @property
    def next_link(self) -> str | None:
        """The address of the page with older incidents."""
        return None if self.next is None else self.link(before=_write_cursor(self.next))

    @property
    def active(self) -> dict[str, str]:
        """The filters in force, by name."""
        return active_filters(self.query)

    def link(self, **changed: str | None) -> str:
        """Return the address of the first page with these parameters changed."""
        asked = {"q": self.query.text, "state": self.query.state} | self.active | changed
        kept = {name: value for name, value in asked.items() if value}
        if kept.get("state") == "all":
            del kept["state"]
        return f"/?{urlencode(kept)}" if kept else "/"


def active_filters(query: InboxQuery) -> dict[str, str]:
    """Return the filters that a query sets, by name."""
    chosen = {
        "category": query.category,
        "severity": query.severity,
        "decision": query.decision,
        "service": query.service,
    }
    return {name: value for name, value in chosen.items() if value}


def read_query(asked: Mapping[str, str]) -> InboxQuery:
    """Return the query that an address asks for; what it cannot mean is left out."""
    given = {name: sanitise_text(value).strip() for name, value in asked.items()}
    return InboxQuery(
        text=given.get("q", "")[:_MAX_SEARCH],
        state=STATES.get(given.get("state", ""), "all"),
        category=given.get("category") or None,
        severity=given.get("severity") or None,
        decision=given.get("decision") or None,
        service=given.get("service") or None,
        before=_read_cursor(given.get("before", "")),
    )


def open_inbox(services: Container, query: InboxQuery, request_id: str) -> Inbox:
    """Return the page asked for; writes, for open incidents without an answer are triaged."""
    page = services.store.inbox.page(query)
    latest = triage_unanswered(services, page.incidents, request_id)
    modes, champions = services.modes.modes, services.champions.current().serving
    labels = _labels_of_drawn(services, latest)
    lines = tuple(
        InboxLine(
            each,
            show(
                latest.get(each.report.id, ()),
                modes,
                champions,
                decided_targets(labels.get(each.report.id, ()), each.outcome),
            ),
        )
        for each in page.incidents
    )
    return Inbox(query, lines, page.total, page.next, _options(query, lines, champions))


def _labels_of_drawn(
    services: Container, latest: Mapping[str, Iterable[PredictionRecord]]
) -> dict[str, list[LabelRecord]]:
    """Return the labels, by incident, of those that were drawn for audit: few, if any."""
    drawn = [id_ for id_, of in latest.items() if any(each.audit_share is not None for each in of)]
    found: dict[str, list[LabelRecord]] = {}
    for label in services.store.labels.select(incident_ids=drawn) if drawn else ():
        found.setdefault(label.incident_id, []).append(label)
    return found


def _options(
    query: InboxQuery, lines: Iterable[InboxLine], champions: Mapping[str, LoadedVersion]
) -> dict[str, tuple[str, ...]]:
    """Return the values that a filter offers: known labels, and what this page shows."""
    outcomes = [line.incident.outcome for line in lines]
    found = {
        "category": [*known_labels(champions.get("category")), *(o.category for o in outcomes)],
        "severity": [*known_labels(champions.get("severity")), *(o.severity for o in outcomes)],
        "service": [line.incident.report.service for line in lines],
    }
    asked = active_filters(query)
    return {
        name: tuple(sorted({each for each in (*values, asked.get(name)) if is_offered(each)}))
        for name, values in found.items()
    }


def _write_cursor(cursor: InboxCursor) -> str:
    opened_at = cursor.opened_at.isoformat() if cursor.opened_at else ""
    return f"{opened_at} {cursor.id}"


def _read_cursor(given: str) -> InboxCursor | None:
    opened_at, _, id_ = given.partition(" ")
    read = moment(opened_at)
    is_readable = id_ and (read or not opened_at)
    return InboxCursor(read, id_) if is_readable else None
