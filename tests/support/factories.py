"""Records for tests, filled where a test does not care."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypedDict, Unpack

from features.domain.labels import LabelRecord, LabelSource
from features.domain.predictions import PredictionRecord
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.domain.runbook import Runbook, Section, SectionRole

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class OutcomeFields(TypedDict, total=False):
    """What `Outcome` takes."""

    category: str | None
    assignment: str | None
    severity: str | None
    resolution: str | None
    runbook_id: str | None
    resolved_at: datetime | None
    duplicate_of: str | None
    fields: Mapping[str, str]


def report(
    incident_id: str = "INC1",
    title: str = "",
    description: str = "",
    *,
    opened_at: datetime | None = NOON,
    service: str | None = None,
    source: str | None = None,
    attributes: Mapping[str, str] | None = None,
) -> IncidentReport:
    """A report, by default one that says nothing and is from noon.

    >>> report(title="vpn down").opened_at == NOON
    True
    """
    return IncidentReport(
        incident_id, opened_at, title, description, service, source, attributes or {}
    )


def incident(
    incident_id: str = "INC1",
    title: str = "",
    description: str = "",
    *,
    opened_at: datetime | None = NOON,
    service: str | None = None,
    source: str | None = None,
    attributes: Mapping[str, str] | None = None,
    **outcome: Unpack[OutcomeFields],
) -> ResolvedIncident:
    """An incident, open unless a part of its outcome is given.

    >>> incident(category="Network").outcome.is_open
    False
    """
    opening = report(
        incident_id,
        title,
        description,
        opened_at=opened_at,
        service=service,
        source=source,
        attributes=attributes,
    )
    return ResolvedIncident(opening, Outcome(**outcome))


def prediction(
    incident_id: str = "INC1",
    label: str = "Network",
    *,
    prediction_id: str = "p-1",
    request_id: str = "r",
    target: str = "category",
    model_version: str = "1",
    confidence: float = 0.9,
    decision: str = "suggest",
    mode: str = "monitor",
    answer: Mapping[str, Any] | None = None,
    answered_at: datetime = NOON,
    audit_share: float | None = None,
    seconds: float | None = None,
    audit_group: str | None = None,
) -> PredictionRecord:
    """An answer of the first version of category, by default without anything beside its label."""
    return PredictionRecord(
        prediction_id,
        request_id,
        incident_id,
        target,
        model_version,
        label,
        confidence,
        decision,
        mode,
        answer or {},
        answered_at,
        audit_share,
        seconds,
        audit_group,
    )


def label_record(
    incident_id: str = "INC1",
    label: str = "Network",
    source: LabelSource | str = LabelSource.CORRECTED,
    *,
    target: str = "category",
    given_by: str = "Ana",
    given_at: datetime = NOON,
    prediction_id: str | None = None,
) -> LabelRecord:
    """What a person said of category, by default as a correction."""
    return LabelRecord(
        incident_id, target, label, LabelSource(source), given_by, given_at, prediction_id
    )


def runbook(runbook_id: str, title: str, meaning: str, url: str | None = None) -> Runbook:
    """A runbook that says what a failure means and names one command against it."""
    text, command = "Restart it.", "systemctl restart it"
    sections = (
        Section("Meaning", meaning, SectionRole.MEANING),
        Section("Mitigation", text, SectionRole.MITIGATION, (command,)),
    )
    return Runbook(runbook_id, title, sections, (text, command), url)
