"""The routes: each parses, calls its service and shapes the answer."""

from fastapi import APIRouter, Depends
from starlette.responses import Response

from features.domain.report import IncidentReport
from serving.api.auth import require_key
from serving.api.dependencies import RawBody, RequestId, SharedContainer
from serving.api.openapi import (
    EXAMPLE_ALERTS,
    EXAMPLE_CHANGE,
    EXAMPLE_CHANGE_EVENT,
    EXAMPLE_FEEDBACK,
    EXAMPLE_INCIDENT,
    EXAMPLE_OUTCOME,
    EXAMPLE_SERIES,
    json_body,
    problem_responses,
)
from serving.api.response_schemas import (
    BatchResponse,
    ChangeResponse,
    DeletedResponse,
    FeedbackResponse,
    HookResponse,
    IncidentResponse,
    LiveResponse,
    ReadyResponse,
    RunbooksResponse,
    SimilarResponse,
    StoredResponse,
    TriageResponse,
    shape_batch,
    shape_deletion,
    shape_ready,
    shape_triage,
)
from serving.api.responses import as_json
from serving.api.series_schemas import AnomaliesResponse, shape_anomalies
from serving.schemas.alertmanager import AlertmanagerRequest
from serving.schemas.changes import ChangeRequest
from serving.schemas.requests import (
    BatchRequest,
    FeedbackRequest,
    RunbooksRequest,
    SimilarRequest,
    TriageRequest,
    UpsertRequest,
    parse_id,
)
from serving.schemas.series import AnomaliesRequest
from serving.services.anomalies import score_series

_BODY_PROBLEMS = problem_responses(400, 401, 413, 415, 422, 503)
_ID_PROBLEMS = problem_responses(401, 404, 503) | {422: {"description": "never sent"}}

open_routes = APIRouter(tags=["operation"])
key_routes = APIRouter(dependencies=[Depends(require_key)])


@key_routes.post(
    "/v1/triage",
    tags=["triage"],
    response_model=TriageResponse,
    responses=_BODY_PROBLEMS,
    openapi_extra=json_body(
        TriageRequest,
        ticket={"incident": EXAMPLE_INCIDENT},
        category_only={"incident": {"title": "Printer jam"}, "include": ["category"]},
    ),
)
def triage(body: RawBody, services: SharedContainer, request_id: RequestId) -> Response:
    """Answer one incident: what kind it is, who takes it, and how bad it is."""
    asked = services.reader.body(TriageRequest, body)
    reports = [services.reader.report(asked.incident)]
    answers = services.triage.triage(reports, include=asked.include, request_id=request_id)
    (around,) = services.incident_context.contexts_for(reports, answers.parts)
    return as_json(shape_triage(answers.items[0], answers, around, request_id))


@key_routes.post(
    "/v1/triage/batch",
    tags=["triage"],
    response_model=BatchResponse,
    responses=_BODY_PROBLEMS,
    openapi_extra=json_body(
        BatchRequest, two={"incidents": [EXAMPLE_INCIDENT, {"title": "Printer jam"}]}
    ),
)
def triage_batch(body: RawBody, services: SharedContainer, request_id: RequestId) -> Response:
    """Answer many incidents, in order; one that cannot be read fails by itself."""
    asked = services.reader.body(BatchRequest, body)
    records = services.reader.records(asked.incidents)
    reports = [record for record in records if isinstance(record, IncidentReport)]
    answers = services.triage.triage(reports, include=asked.include, request_id=request_id)
    around = services.incident_context.contexts_for(reports, answers.parts)
    return as_json(shape_batch(records, answers, around, request_id))


@key_routes.post(
    "/v1/similar",
    tags=["triage"],
    response_model=SimilarResponse,
    responses=_BODY_PROBLEMS,
    openapi_extra=json_body(SimilarRequest, ticket={"incident": EXAMPLE_INCIDENT, "limit": 3}),
)
def similar(body: RawBody, services: SharedContainer, request_id: RequestId) -> Response:
    """Find the past incidents that are probably about the same trouble, or none."""
    asked = services.reader.body(SimilarRequest, body)
    report = services.reader.report(asked.incident)
    found = services.similar.search([report], limit=asked.limit, cutoff=asked.cutoff)[0]
    return as_json(
        SimilarResponse(
            similar=list(found.similar), open_match=found.open_match, request_id=request_id
        )
    )


@key_routes.post(
    "/v1/runbooks",
    tags=["triage"],
    response_model=RunbooksResponse,
    responses=_BODY_PROBLEMS,
    openapi_extra=json_body(RunbooksRequest, ticket={"incident": EXAMPLE_INCIDENT, "limit": 1}),
)
def runbooks(body: RawBody, services: SharedContainer, request_id: RequestId) -> Response:
    """Find the runbooks that probably apply, or none."""
    asked = services.reader.body(RunbooksRequest, body)
    report = services.reader.report(asked.incident)
    found = services.runbooks.search([report], limit=asked.limit, cutoff=asked.cutoff)[0]
    return as_json(RunbooksResponse(runbooks=list(found.runbooks), request_id=request_id))


@key_routes.post(
    "/v1/feedback",
    tags=["feedback"],
    response_model=FeedbackResponse,
    responses=_BODY_PROBLEMS | problem_responses(404),
    openapi_extra=json_body(FeedbackRequest, correct=EXAMPLE_FEEDBACK),
)
def feedback(body: RawBody, services: SharedContainer, request_id: RequestId) -> Response:
    """Say what was done with an answer: accepted, corrected or dismissed."""
    said = services.reader.body(FeedbackRequest, body)
    kept = services.feedback.give(**said.model_dump(), source="api")
    return as_json(
        FeedbackResponse(
            prediction_id=kept.prediction_id,
            incident_id=kept.incident_id,
            target=kept.target,
            action=kept.action,
            given_by=kept.given_by,
            given_at=kept.given_at,
            is_new_label=services.label_vocabulary.is_new(kept),
            request_id=request_id,
        )
    )


@key_routes.post(
    "/v1/incidents",
    tags=["incidents"],
    response_model=StoredResponse,
    responses=_BODY_PROBLEMS,
    openapi_extra=json_body(
        UpsertRequest,
        open={"incident": EXAMPLE_INCIDENT},
        resolved={"incident": EXAMPLE_INCIDENT, "outcome": EXAMPLE_OUTCOME},
    ),
)
def upsert_incident(body: RawBody, services: SharedContainer, request_id: RequestId) -> Response:
    """Add an incident or replace it; with an outcome once it is resolved."""
    given = services.reader.body(UpsertRequest, body)
    report, outcome = services.reader.report(given.incident), services.reader.outcome(given.outcome)
    revision = services.incidents.upsert(report, outcome)
    services.incident_index.apply_changes()
    return as_json(StoredResponse(incident_id=report.id, request_id=request_id, revision=revision))


@key_routes.get(
    "/v1/incidents/{id:path}",
    tags=["incidents"],
    response_model=IncidentResponse,
    responses=_ID_PROBLEMS,
)
def get_incident(id: str, services: SharedContainer, request_id: RequestId) -> Response:  # noqa: A002
    """Return an incident as it is stored."""
    found = services.incidents.get(parse_id(id) or id)
    return as_json(
        IncidentResponse(incident=found.report, outcome=found.outcome, request_id=request_id)
    )


@key_routes.delete(
    "/v1/incidents/{id:path}",
    tags=["incidents"],
    response_model=DeletedResponse,
    responses=_ID_PROBLEMS,
)
def delete_incident(id: str, services: SharedContainer, request_id: RequestId) -> Response:  # noqa: A002
    """Remove an incident for good, and list the models that learned from it."""
    deletion = services.incidents.delete(parse_id(id) or id)
    return as_json(shape_deletion(id, deletion, request_id))


@key_routes.post(
    "/v1/changes",
    tags=["telemetry"],
    response_model=ChangeResponse,
    responses=_BODY_PROBLEMS,
    openapi_extra=json_body(ChangeRequest, deploy=EXAMPLE_CHANGE, pagerduty=EXAMPLE_CHANGE_EVENT),
)
def record_change(body: RawBody, services: SharedContainer, request_id: RequestId) -> Response:
    """Record a change to a service, or replace it; PagerDuty's change events are taken too."""
    change = services.reader.change(body)
    services.changes.record(change)
    return as_json(ChangeResponse(change_id=change.id, request_id=request_id))


@key_routes.post(
    "/hooks/alertmanager",
    tags=["telemetry"],
    response_model=HookResponse,
    responses=_BODY_PROBLEMS,
    openapi_extra=json_body(AlertmanagerRequest, firing=EXAMPLE_ALERTS),
)
def alertmanager(body: RawBody, services: SharedContainer, request_id: RequestId) -> Response:
    """Take a webhook of Alertmanager: what fires becomes an incident, what is over resolves it."""
    told = services.reader.body(AlertmanagerRequest, body)
    done = services.alertmanager.take(told, request_id)
    return as_json(
        HookResponse(
            effect=done.effect,
            incident_id=done.incident_id,
            prediction_id=done.prediction_id,
            request_id=request_id,
        )
    )


@key_routes.post(
    "/v1/anomalies",
    tags=["telemetry"],
    response_model=AnomaliesResponse,
    responses=_BODY_PROBLEMS,
    openapi_extra=json_body(AnomaliesRequest, series={"series": [EXAMPLE_SERIES]}),
)
def anomalies(body: RawBody, services: SharedContainer, request_id: RequestId) -> Response:
    """Score metric series by their own past, and flag what a budget of false alarms allows."""
    series, budget_per_week = services.reader.series(body)
    scored = score_series(series, budget_per_week)
    return as_json(shape_anomalies(scored, budget_per_week, request_id))


@open_routes.get("/health/live", response_model=LiveResponse)
async def live() -> Response:
    """Tell that the process answers."""
    return as_json(LiveResponse(status="live"))


@open_routes.get(
    "/health/ready", response_model=ReadyResponse, responses={503: {"model": ReadyResponse}}
)
async def ready(services: SharedContainer) -> Response:
    """Tell whether every champion that exists has been verified; having none is ready."""
    champions = services.champions.champions
    answer = shape_ready(champions, is_indexed=services.incident_index.is_complete)
    return as_json(answer, 200 if champions.is_ready else 503)


@open_routes.get("/metrics", response_class=Response)
def metrics(services: SharedContainer) -> Response:
    """Return what Prometheus scrapes."""
    return Response(services.metrics.render(), media_type="text/plain; version=0.0.4")
