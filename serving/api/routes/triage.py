"""The routes that triage incidents."""

from collections.abc import Sequence

from fastapi import APIRouter, Depends
from starlette.responses import Response

from features.domain.report import IncidentReport
from serving.api.auth import require_key
from serving.api.dependencies import RawBody, RequestId, SharedContainer
from serving.api.openapi import BODY_PROBLEMS, EXAMPLE_INCIDENT, json_body
from serving.api.response_schemas import as_json
from serving.api.triage_schemas import BatchResponse, TriageResponse, shape_batch, shape_triage
from serving.container import Container
from serving.schemas.requests import BatchRequest, TriageRequest
from serving.services.incident_context import IncidentContext
from serving.services.triage import TriageBatch

triage_routes = APIRouter(dependencies=[Depends(require_key)], tags=["triage"])


@triage_routes.post(
    "/v1/triage",
    response_model=TriageResponse,
    responses=BODY_PROBLEMS,
    openapi_extra=json_body(
        TriageRequest,
        ticket={"incident": EXAMPLE_INCIDENT},
        category_only={"incident": {"title": "Printer jam"}, "include": ["category"]},
    ),
)
def triage(body: RawBody, services: SharedContainer, request_id: RequestId) -> Response:
    """Answer one incident: what kind it is, who takes it, and how bad it is."""
    asked = services.reader.body(TriageRequest, body)
    report = services.reader.report(asked.incident)
    answers, (context,) = _answer([report], asked, services, request_id)
    return as_json(shape_triage(answers.items[0], answers, context, request_id))


@triage_routes.post(
    "/v1/triage/batch",
    response_model=BatchResponse,
    responses=BODY_PROBLEMS,
    openapi_extra=json_body(
        BatchRequest, two={"incidents": [EXAMPLE_INCIDENT, {"title": "Printer jam"}]}
    ),
)
def triage_batch(body: RawBody, services: SharedContainer, request_id: RequestId) -> Response:
    """Answer many incidents, in order; one that cannot be read fails by itself."""
    asked = services.reader.body(BatchRequest, body)
    records = services.reader.records(asked.incidents)
    reports = [record for record in records if isinstance(record, IncidentReport)]
    return as_json(shape_batch(records, *_answer(reports, asked, services, request_id), request_id))


def _answer(
    reports: Sequence[IncidentReport],
    asked: TriageRequest | BatchRequest,
    services: Container,
    request_id: str,
) -> tuple[TriageBatch, Sequence[IncidentContext]]:
    answers = services.triage.triage(reports, include=asked.include, request_id=request_id)
    return answers, services.incident_context.contexts_for(reports, answers.parts)
