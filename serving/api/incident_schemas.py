"""Responses about stored incidents and stored answers: every field, as `/docs` shows them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from features.domain.alerts.alert import Alert
from features.domain.report import IncidentReport, Outcome, Status
from features.domain.tracking import IncidentVersion, TrackedIncident
from serving.background.champions import LoadedVersion
from serving.services.context_ranking import RelatedAnomaly, RelatedChange
from serving.services.incident_context import IncidentContext
from serving.services.records.stored_answers import StoredAnswers
from serving.services.triage import answer_part


class AnsweredVersion(BaseModel):
    """The version that answered; `trained_at` is null if it no longer serves."""

    version: str
    trained_at: datetime | None


class StoredTriage(BaseModel):
    """A stored answer, with the fields of `POST /v1/triage` as that answer had them.

    `request_id` is that of the request that was answered. `anomalies` and `changes` are looked up
    for each request, so they are not stored.
    """

    incident_id: str
    request_id: str
    prediction_id: str
    answered_at: datetime
    category: dict[str, Any] | None = None
    assignment: dict[str, Any] | None = None
    fields: dict[str, dict[str, Any]] = Field(default_factory=dict)
    severity: dict[str, Any] | None = None
    similar: list[dict[str, Any]] | None = None
    open_match: dict[str, Any] | None = None
    runbooks: list[dict[str, Any]] | None = None
    resolution: dict[str, Any] | None = None
    novelty: dict[str, Any] | None = None
    absent: dict[str, str]
    models: dict[str, AnsweredVersion]


class HistoryEntry(BaseModel):
    """A change of an incident; `changes` holds the values of each field before and after."""

    written_at: datetime
    author: str = Field(description="person, source or precedent")
    actor: str
    changes: dict[str, list[Any]]


class IncidentAlert(BaseModel):
    """An alert of an incident; `first_seen_at` and `last_seen_at` are times of deliveries."""

    fingerprint: str
    labels: dict[str, str]
    annotations: dict[str, str]
    state: Literal["firing", "resolved"]
    began_at: datetime | None
    ended_at: datetime | None
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    generator_url: str


class IncidentResponse(BaseModel):
    """An incident as it is stored: cleaned, and with secrets masked.

    `triage` is the newest answer, null if there is none yet. `changes` and `anomalies` are those
    around the opening, for every service that the alerts name; null if none was ever recorded.
    `opening` is the report as the incident opened, null if it never changed. `history` lists the
    changes, oldest first.
    """

    incident: IncidentReport
    outcome: Outcome
    request_id: str
    status: Status
    alerts: list[IncidentAlert]
    triage: StoredTriage | None
    changes: list[RelatedChange] | None
    anomalies: list[RelatedAnomaly] | None
    updated_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    previous_id: str | None
    consequence_of: str | None
    consequences: list[str]
    peak_severity: str | None
    reopenings: int
    change_id: str | None
    opening: IncidentReport | None
    history: list[HistoryEntry]


class ListedIncident(BaseModel):
    """An incident of a list: its report, its outcome, and what is kept beside it in short."""

    id: str
    opened_at: datetime | None
    title: str
    description: str
    service: str | None
    source: str | None
    attributes: dict[str, str]
    outcome: Outcome
    status: Status
    updated_at: datetime | None
    acknowledged_by: str | None
    consequence_of: str | None
    peak_severity: str | None
    alert_count: int
    firing_count: int


class IncidentsResponse(BaseModel):
    """A page of incidents; `next` is the cursor of the next page, null on the last one."""

    incidents: list[ListedIncident]
    next: str | None
    request_id: str


def shape_stored(answers: StoredAnswers, champions: Mapping[str, LoadedVersion]) -> StoredTriage:
    """Return a stored answer in the form of `POST /v1/triage`."""
    shaped: dict[str, Any] = {"fields": {}}
    for target, record in answers.answers.items():
        answer = dict(record.answer)
        if target == "similar":
            shaped |= {"similar": answer.get("similar", []), "open_match": answer.get("open_match")}
        elif target == "runbooks":
            shaped["runbooks"] = answer.get("runbooks", [])
        elif answer_part(target) == "fields":
            shaped["fields"][target.removeprefix("fields.")] = answer
        else:
            shaped[target] = answer
    absent_parts = (answer_part(target) for target in answers.absent)
    shaped |= {part: None for part in absent_parts if part != "fields"}
    known = {part: value for part, value in shaped.items() if part in StoredTriage.model_fields}
    return StoredTriage(
        incident_id=answers.incident_id,
        request_id=answers.request_id,
        prediction_id=answers.prediction_id,
        answered_at=answers.answered_at,
        absent=dict(answers.absent),
        models={
            target: AnsweredVersion(
                version=version, trained_at=_trained_at(champions.get(target), version)
            )
            for target, version in answers.versions.items()
        },
        **known,
    )


def shape_incident(
    tracked: TrackedIncident,
    consequences: Sequence[TrackedIncident],
    history: Sequence[IncidentVersion],
    triage: StoredTriage | None,
    context: IncidentContext,
    request_id: str,
) -> IncidentResponse:
    """Return the response about one incident."""
    tracking, incident = tracked.tracking, tracked.incident
    return IncidentResponse(
        incident=incident.report,
        outcome=incident.outcome,
        request_id=request_id,
        status=incident.outcome.effective_status,
        alerts=[_shape_alert(alert) for alert in tracked.alerts],
        triage=triage,
        changes=None if context.changes is None else list(context.changes),
        anomalies=None if context.anomalies is None else list(context.anomalies),
        updated_at=tracking.updated_at,
        acknowledged_at=tracking.acknowledged_at,
        acknowledged_by=tracking.acknowledged_by,
        previous_id=tracking.previous_id,
        consequence_of=tracking.consequence_of,
        consequences=[member.incident.report.id for member in consequences],
        peak_severity=tracking.peak_severity,
        reopenings=tracking.reopenings,
        change_id=tracking.change_id,
        opening=tracking.opening,
        history=[
            HistoryEntry(
                written_at=version.written_at,
                author=version.author,
                actor=version.actor,
                changes={name: list(values) for name, values in version.changes.items()},
            )
            for version in history
        ],
    )


def _shape_alert(alert: Alert) -> IncidentAlert:
    return IncidentAlert(
        fingerprint=alert.fingerprint,
        labels=dict(alert.labels),
        annotations=dict(alert.annotations),
        state="firing" if alert.is_firing else "resolved",
        began_at=alert.began_at,
        ended_at=alert.ended_at,
        first_seen_at=alert.first_seen_at,
        last_seen_at=alert.last_seen_at,
        generator_url=alert.generator_url,
    )


def shape_listed(tracked: TrackedIncident) -> ListedIncident:
    """Return an incident as an entry of a list."""
    report, outcome, tracking = tracked.incident.report, tracked.incident.outcome, tracked.tracking
    return ListedIncident(
        id=report.id,
        opened_at=report.opened_at,
        title=report.title,
        description=report.description,
        service=report.service,
        source=report.source,
        attributes=dict(report.attributes),
        outcome=outcome,
        status=outcome.effective_status,
        updated_at=tracking.updated_at,
        acknowledged_by=tracking.acknowledged_by,
        consequence_of=tracking.consequence_of,
        peak_severity=tracking.peak_severity,
        alert_count=len(tracked.alerts),
        firing_count=sum(alert.is_firing for alert in tracked.alerts),
    )


def _trained_at(champion: LoadedVersion | None, version: str) -> datetime | None:
    is_serving = champion is not None and champion.version.version == version
    return champion.version.trained_at if champion is not None and is_serving else None
