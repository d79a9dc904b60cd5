"""The page of the audit log: who was champion when, what was said of an incident, what happened."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from features.domain.audit_event import AuditEvent
from features.domain.predictions import PredictionRecord
from features.domain.report import Outcome
from features.errors import RegistryUnavailable
from features.text.parsing import parse_label, parse_latest_moment
from models.lifecycle.champion_audit import AuditReport, audit_at
from serving.background.champions import ServableVersions
from serving.container import Container
from serving.pages.views.visible_answers import decided_targets
from serving.runtime.errors import FieldError, InvalidFields
from serving.schemas.requests import parse_id

_log = logging.getLogger(__name__)

_MOST_EVENTS = 50
_MOST_ANSWERS = 100


@dataclass(frozen=True, slots=True)
class AuditQuestion:
    """What is asked, as it was typed; all empty for the log itself."""

    at: str = ""
    incident: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True)
class LoggedAnswer:
    """A stored answer as the log shows it: one that a person is still to decide on is held back."""

    record: PredictionRecord
    is_held: bool


@dataclass(frozen=True, slots=True)
class AuditPage:
    """The account that was asked for, or (None) the last events of `total`, newest first."""

    question: AuditQuestion
    targets: tuple[str, ...]
    account: AuditReport | None = None
    answers: tuple[LoggedAnswer, ...] = ()
    events: Sequence[AuditEvent] = ()
    total: int = 0


def read_question(asked: Mapping[str, str]) -> AuditQuestion:
    """Return what an address asks."""
    return AuditQuestion(
        at=asked.get("at", "").strip(),
        incident=asked.get("incident", "").strip(),
        target=asked.get("target", "").strip(),
    )


def open_audit(services: Container, question: AuditQuestion) -> AuditPage:
    """Return the page that answers a question.

    Raises `InvalidFields` for a time that is none, `UnknownVersion` for a target that there never
    was, and `StoreUnavailable`. Without a registry the log alone answers.
    """
    registry = _reconcile(services)
    events = services.store.audit_log.select(target=parse_label(question.target))
    targets = tuple(sorted(_targets(services, question)))
    if not question.at and not question.incident:
        last = tuple(reversed(events[-_MOST_EVENTS:]))
        return AuditPage(question, targets, events=last, total=len(events))
    account = audit_at(
        services.store,
        registry,
        at=_moment(question.at),
        incident_id=parse_id(question.incident) if question.incident else None,
        target=parse_label(question.target),
    )
    return AuditPage(question, targets, account, _answers(services, account))


def _reconcile(services: Container) -> ServableVersions | None:
    """Tell the log what it missed; None where the registry cannot be read."""
    try:
        services.promotions.note_found()
    except RegistryUnavailable as error:
        facts = {"reason": str(error)}
        _log.warning("the log was not compared with the registry", extra={"fields": facts})
        return None
    return services.registry


def _targets(services: Container, question: AuditQuestion) -> set[str]:
    logged = {event.target for event in services.store.audit_log.select() if event.target}
    return {*logged, *services.champions.current().serving, question.target} - {""}


def _moment(given: str) -> datetime:
    try:
        return parse_latest_moment(given) if given else datetime.now(UTC)
    except ValueError:
        raise InvalidFields(
            [FieldError("at", "give a day as 2026-03-03, or a time as 2026-03-03T10:00")]
        ) from None


def _answers(services: Container, account: AuditReport) -> tuple[LoggedAnswer, ...]:
    if account.incident_id is None:
        return ()
    stored = services.store.incidents.get(account.incident_id)
    outcome = Outcome() if stored is None else stored.outcome
    decided = decided_targets(account.labels, outcome)
    return tuple(
        LoggedAnswer(each, each.audit_share is not None and each.target not in decided)
        for each in account.answers[:_MOST_ANSWERS]
    )
