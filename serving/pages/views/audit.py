"""The page of the audit log: champions at a time, answers about an incident, and all events."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from features.domain.audit_event import AuditEvent
from features.domain.label_sources import decided_targets
from features.domain.predictions import PredictionRecord
from features.domain.report import Outcome
from features.errors import RegistryUnavailable
from features.text.parsing import parse_latest_moment, parse_masked_name
from models.lifecycle.champion_audit import AuditReport, audit_at
from serving.background.champions import ServableVersions
from serving.container import Container
from serving.runtime.errors import FieldError, InvalidFields

_log = logging.getLogger(__name__)

_MOST_EVENTS = 50
_MOST_ANSWERS = 100


@dataclass(frozen=True, slots=True)
class AuditQuestion:
    """What a user asks, as typed; if time and incident are empty, the log is shown."""

    at: str = ""
    incident: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True)
class LoggedAnswer:
    """A stored answer; answers of the audit sample are hidden until the correct label is known."""

    record: PredictionRecord
    is_hidden: bool


@dataclass(frozen=True, slots=True)
class AuditPage:
    """The report that answers a question, or the log if the question has no time and no incident.

    For the log, `report` is None and `events` are the latest of `total` events, newest first.
    """

    question: AuditQuestion
    targets: tuple[str, ...]
    report: AuditReport | None = None
    answers: tuple[LoggedAnswer, ...] = ()
    events: Sequence[AuditEvent] = ()
    total: int = 0


def read_question(params: Mapping[str, str]) -> AuditQuestion:
    """Return the question that the query parameters of an address ask."""
    return AuditQuestion(
        at=params.get("at", "").strip(),
        incident=params.get("incident", "").strip(),
        target=params.get("target", "").strip(),
    )


def open_audit(services: Container, question: AuditQuestion) -> AuditPage:
    """Return the page that answers a question.

    Raises `InvalidFields` for a time that cannot be read, `UnknownVersion` for a target that never
    existed, and `StoreUnavailable`. If the registry cannot be read, only the log is used.
    """
    registry = _reconcile(services)
    events = services.store.audit_log.select(target=question.target or None)
    targets = tuple(sorted(_targets(services, question)))
    if not question.at and not question.incident:
        newest = tuple(reversed(events[-_MOST_EVENTS:]))
        return AuditPage(question, targets, events=newest, total=len(events))
    report = audit_at(
        services.store,
        registry,
        at=_moment(question.at),
        incident_id=parse_masked_name(question.incident, services.reader.masking) or None,
        target=question.target or None,
    )
    return AuditPage(question, targets, report, _answers(services, report))


def _reconcile(services: Container) -> ServableVersions | None:
    """Log changes of champions that the log lacks; return the registry, None if unreadable."""
    try:
        services.promotions.note_found()
    except RegistryUnavailable as error:
        fields = {"reason": str(error)}
        _log.warning("the audit log was not compared with the registry", extra={"fields": fields})
        return None
    return services.registry


def _targets(services: Container, question: AuditQuestion) -> set[str]:
    logged = {event.target for event in services.store.audit_log.select() if event.target}
    return {*logged, *services.champions.current().serving, question.target} - {""}


def _moment(text: str) -> datetime:
    try:
        return parse_latest_moment(text) if text else datetime.now(UTC)
    except ValueError:
        raise InvalidFields(
            [FieldError("at", "give a day as 2026-03-03, or a time as 2026-03-03T10:00")]
        ) from None


def _answers(services: Container, report: AuditReport) -> tuple[LoggedAnswer, ...]:
    if report.incident_id is None:
        return ()
    stored = services.store.incidents.get(report.incident_id)
    outcome = Outcome() if stored is None else stored.outcome
    decided = decided_targets(report.labels, outcome)
    return tuple(
        LoggedAnswer(answer, answer.audit_share is not None and answer.target not in decided)
        for answer in report.answers[:_MOST_ANSWERS]
    )
