"""The inbox: the incidents that it shows, with a line for each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from features.domain.alerts.heartbeat import Heartbeat
from features.domain.label_sources import decided_targets
from features.domain.labels import LabelRecord
from features.domain.predictions import PredictionRecord
from features.domain.report import ResolvedIncident, Status
from features.domain.tracking import TrackedIncident
from features.store.incidents.incident_search import InboxCounts, InboxCursor, InboxQuery
from features.text.parsing import sanitise_text
from serving.background.champions import LoadedVersion
from serving.container import Container
from serving.pages.render.time_filters import moment
from serving.pages.views.breach_warnings import DrawnWarning, open_warnings
from serving.pages.views.open_list import MOST_RANKED, list_open
from serving.pages.views.visible_answers import (
    VisibleAnswer,
    VisibleAnswers,
    is_offered,
    known_labels,
    visible_answers,
)
from serving.services.alerts.storms import Storm
from serving.services.surges import OpenSurge
from serving.services.telemetry.routines import AnnouncedRoutines

STATES = ("open", "stale", "resolved", "all")
"""The tabs of the inbox; stale incidents are also among those that are open."""

_FILTERS = ("category", "severity", "decision", "service")
_MAX_SEARCH = 500
_RECENTLY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class InboxLine:
    """An incident with the answers about it; `storm` are its open consequences, if it has any."""

    tracked: TrackedIncident
    answers: VisibleAnswers
    storm: Storm | None = None

    @property
    def incident(self) -> ResolvedIncident:
        """The report and the outcome."""
        return self.tracked.incident

    @property
    def status(self) -> Status:
        """Where the incident stands."""
        return self.incident.outcome.effective_status

    @property
    def stated_severity(self) -> str | None:
        """The severity that somebody stated, or else the most severe of its alerts."""
        return self.incident.outcome.severity or self.tracked.tracking.peak_severity

    @property
    def category(self) -> VisibleAnswer | None:
        """The answer about the category; the page shows it while the outcome has no category."""
        return self.answers.of("category")

    @property
    def severity(self) -> VisibleAnswer | None:
        """The answer about the severity; the page shows it while no severity is stated."""
        return self.answers.of("severity")


@dataclass(frozen=True, slots=True)
class Inbox:
    """One page of the inbox with the choices that its filters offer.

    `state` is the tab. `page` is the number of the page in a list of open incidents; other lists
    use a cursor. `most_ranked` is the number of open incidents that are listed if that is not all
    of them. `recently_resolved` is None unless the list of open incidents is empty.
    """

    query: InboxQuery
    state: str
    lines: tuple[InboxLine, ...]
    total: int | None
    next_link: str | None
    options: Mapping[str, tuple[str, ...]]
    counts: InboxCounts
    silent_heartbeats: tuple[Heartbeat, ...]
    breach_warnings: tuple[DrawnWarning, ...]
    surges: tuple[OpenSurge, ...]
    routines: AnnouncedRoutines
    page: int = 1
    most_ranked: int | None = None
    recently_resolved: int | None = None

    @property
    def is_first_page(self) -> bool:
        """Whether the list begins with this page."""
        return self.page == 1 and self.query.before is None

    @property
    def active(self) -> dict[str, str]:
        """The filters in force, by name; the searched words and the state are not among them."""
        return active_filters(self.query)

    @property
    def is_narrowed(self) -> bool:
        """Whether words or filters leave incidents out."""
        return bool(self.active or self.query.text)

    def link(self, **changed: str | None) -> str:
        """Return the address of the inbox with these parameters changed, at its first page."""
        values = {"q": self.query.text, "state": self.state} | self.active | changed
        params = {name: value for name, value in values.items() if value}
        if params.get("state") == _usual_state(params):
            del params["state"]
        return f"/?{urlencode(params)}" if params else "/"


def _usual_state(params: Mapping[str, str]) -> str:
    """Return the tab of an address without a state: a search looks at all incidents."""
    is_search = any(params.get(name) for name in ("q", *_FILTERS))
    return "all" if is_search else "open"


def active_filters(query: InboxQuery) -> dict[str, str]:
    """Return the filters that a query sets, by name, without the searched words and the state."""
    filters = {name: getattr(query, name) for name in _FILTERS}
    return {name: value for name, value in filters.items() if value}


def read_query(params: Mapping[str, str]) -> InboxQuery:
    """Return the query of an address; values that are not valid are ignored."""
    values = _cleaned(params)
    state = read_state(params)
    return InboxQuery(
        text=values.get("q", "")[:_MAX_SEARCH],
        state="resolved" if state == "resolved" else "all" if state == "all" else "open",
        category=values.get("category") or None,
        severity=values.get("severity") or None,
        decision=values.get("decision") or None,
        service=values.get("service") or None,
        status=Status.STALE if state == "stale" else None,
        before=_read_cursor(values.get("before", "")),
    )


def read_state(params: Mapping[str, str]) -> str:
    """Return the tab that an address names, or else the usual one."""
    values = _cleaned(params)
    state = values.get("state", "")
    return state if state in STATES else _usual_state(values)


def _cleaned(params: Mapping[str, str]) -> dict[str, str]:
    return {name: sanitise_text(value).strip() for name, value in params.items()}


def open_inbox(services: Container, query: InboxQuery, state: str, page: int = 1) -> Inbox:
    """Return a page of the inbox; raises `StoreUnavailable`."""
    now = datetime.now(UTC)
    counts = services.store.inbox.counts()
    inbox = Inbox(
        query,
        state,
        lines=(),
        total=None,
        next_link=None,
        options={},
        counts=counts,
        silent_heartbeats=services.store.heartbeats.silent(now),
        breach_warnings=open_warnings(services),
        surges=services.surges.open_surges(),
        routines=services.routines.announced(),
    )
    is_ranked = state in ("open", "stale") and not query.text
    inbox = _with_open(services, inbox, page) if is_ranked else _with_newest(services, inbox)
    champions = services.champions.current().serving
    inbox = replace(inbox, options=_options(query, inbox.lines, champions))
    if state == "open" and counts.all and not inbox.lines:
        recently = services.store.inbox.resolved_since(now - _RECENTLY)
        return replace(inbox, recently_resolved=recently)
    return inbox


def _with_open(services: Container, inbox: Inbox, page: int) -> Inbox:
    with services.store.one_state():
        listed = list_open(services, inbox.query, page)
        lines = _lines(services, listed.ids)
    has_next = page * inbox.query.limit < listed.lines
    return replace(
        inbox,
        lines=lines,
        total=listed.lines,
        next_link=inbox.link(page=str(page + 1)) if has_next else None,
        page=page,
        most_ranked=MOST_RANKED if listed.is_cut else None,
    )


def _with_newest(services: Container, inbox: Inbox) -> Inbox:
    page = services.incident_search.page(inbox.query)
    return replace(
        inbox,
        lines=_lines(services, [incident.report.id for incident in page.incidents]),
        total=page.total,
        next_link=None if page.next is None else inbox.link(before=_write_cursor(page.next)),
    )


def _lines(services: Container, ids: Sequence[str]) -> tuple[InboxLine, ...]:
    tracked = services.store.tracked.find(ids)
    storms = services.storms.storms_of(ids)
    latest = services.store.predictions.latest(ids)
    modes, champions = services.modes.modes, services.champions.current().serving
    labels = _labels_of_audited(services, latest)
    return tuple(
        InboxLine(
            tracked[id_],
            visible_answers(
                latest.get(id_, ()),
                modes,
                champions,
                decided_targets(labels.get(id_, ()), tracked[id_].incident.outcome),
            ),
            storms.get(id_),
        )
        for id_ in ids
        if id_ in tracked
    )


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
