"""The inbox: the incidents that it shows, with a line for each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

from features.domain.label_sources import decided_targets
from features.domain.labels import LabelRecord
from features.domain.predictions import PredictionRecord
from features.domain.report import ResolvedIncident
from features.store.incidents.incident_search import InboxCursor, InboxQuery
from features.text.parsing import sanitise_text
from serving.background.champions import LoadedVersion
from serving.container import Container
from serving.pages.render.time_filters import moment
from serving.pages.views.visible_answers import (
    VisibleAnswer,
    VisibleAnswers,
    is_offered,
    known_labels,
    visible_answers,
)

State = Literal["all", "open", "resolved"]
STATES: Mapping[str, State] = {"all": "all", "open": "open", "resolved": "resolved"}
_MAX_SEARCH = 500


@dataclass(frozen=True, slots=True)
class InboxLine:
    """An incident with the answers about it."""

    incident: ResolvedIncident
    answers: VisibleAnswers

    @property
    def is_open(self) -> bool:
        """Whether the incident has no outcome yet, apart from being marked as a duplicate."""
        return self.incident.outcome.is_open

    @property
    def category(self) -> VisibleAnswer | None:
        """The answer about the category; the page shows it while the outcome has no category."""
        return self.answers.of("category")

    @property
    def severity(self) -> VisibleAnswer | None:
        """The answer about the severity; the page shows it while the outcome has no severity."""
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
        """The address of the page with older incidents, None if there are none."""
        return None if self.next is None else self.link(before=_write_cursor(self.next))

    @property
    def active(self) -> dict[str, str]:
        """The filters in force, by name; the searched words and the state are not among them."""
        return active_filters(self.query)

    def link(self, **changed: str | None) -> str:
        """Return the inbox's address with these parameters changed.

        Without `before` it is the address of the first page.
        """
        values = {"q": self.query.text, "state": self.query.state} | self.active | changed
        params = {name: value for name, value in values.items() if value}
        if params.get("state") == "all":
            del params["state"]
        return f"/?{urlencode(params)}" if params else "/"


def active_filters(query: InboxQuery) -> dict[str, str]:
    """Return the filters that a query sets, by name, without the searched words and the state."""
    filters = {
        "category": query.category,
        "severity": query.severity,
        "decision": query.decision,
        "service": query.service,
    }
    return {name: value for name, value in filters.items() if value}


def read_query(params: Mapping[str, str]) -> InboxQuery:
    """Return the query of an address; values that are not valid are ignored."""
    values = {name: sanitise_text(value).strip() for name, value in params.items()}
    return InboxQuery(
        text=values.get("q", "")[:_MAX_SEARCH],
        state=STATES.get(values.get("state", ""), "all"),
        category=values.get("category") or None,
        severity=values.get("severity") or None,
        decision=values.get("decision") or None,
        service=values.get("service") or None,
        before=_read_cursor(values.get("before", "")),
    )


def open_inbox(services: Container, query: InboxQuery) -> Inbox:
    """Return a page of the inbox."""
    page = services.incident_search.page(query)
    ids = [incident.report.id for incident in page.incidents]
    latest = services.store.predictions.latest(ids)
    modes, champions = services.modes.modes, services.champions.current().serving
    labels = _labels_of_audited(services, latest)
    lines = tuple(
        InboxLine(
            incident,
            visible_answers(
                latest.get(incident.report.id, ()),
                modes,
                champions,
                decided_targets(labels.get(incident.report.id, ()), incident.outcome),
            ),
        )
        for incident in page.incidents
    )
    return Inbox(query, lines, page.total, page.next, _options(query, lines, champions))


def _labels_of_audited(
    services: Container, latest: Mapping[str, Iterable[PredictionRecord]]
) -> dict[str, list[LabelRecord]]:
    """Return the labels of the incidents in the audit sample, by incident."""
    audited = [
        id_
        for id_, records in latest.items()
        if any(record.audit_share is not None for record in records)
    ]
    labels: dict[str, list[LabelRecord]] = {}
    for label in services.store.labels.select(incident_ids=audited) if audited else ():
        labels.setdefault(label.incident_id, []).append(label)
    return labels


def _options(
    query: InboxQuery, lines: Iterable[InboxLine], champions: Mapping[str, LoadedVersion]
) -> dict[str, tuple[str, ...]]:
    """Return the values that each filter offers.

    They are the champion's known labels, the values on this page and the value in force.
    """
    outcomes = [line.incident.outcome for line in lines]
    options = {
        "category": [
            *known_labels(champions.get("category")),
            *(outcome.category for outcome in outcomes),
        ],
        "severity": [
            *known_labels(champions.get("severity")),
            *(outcome.severity for outcome in outcomes),
        ],
        "service": [line.incident.report.service for line in lines],
    }
    active = active_filters(query)
    return {
        name: tuple(sorted({value for value in (*values, active.get(name)) if is_offered(value)}))
        for name, values in options.items()
    }


def _write_cursor(cursor: InboxCursor) -> str:
    opened_at = cursor.opened_at.isoformat() if cursor.opened_at else ""
    return f"{opened_at} {cursor.id}"


def _read_cursor(text: str) -> InboxCursor | None:
    time, _, id_ = text.partition(" ")
    opened_at = moment(time)
    is_readable = id_ and (opened_at or not time)
    return InboxCursor(opened_at, id_) if is_readable else None
