"""The routes that keep the store of incidents up to date."""

from fastapi import APIRouter, Depends
from starlette.responses import Response

from serving.api.auth import require_key
from serving.api.dependencies import RawBody, RequestId, SharedContainer
from serving.api.openapi import (
    BODY_PROBLEMS,
    EXAMPLE_INCIDENT,
    EXAMPLE_OUTCOME,
    json_body,
    problem_responses,
)
from serving.api.response_schemas import (
    DeletedResponse,
    IncidentResponse,
    StoredResponse,
    as_json,
    shape_deletion,
)
from serving.schemas.requests import UpsertRequest, parse_id

_ID_PROBLEMS = problem_responses(401, 404, 503) | {422: {"description": "never sent"}}

incident_routes = APIRouter(dependencies=[Depends(require_key)], tags=["incidents"])


@incident_routes.post(
    "/v1/incidents",
    response_model=StoredResponse,
    responses=BODY_PROBLEMS,
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


@incident_routes.get(
    "/v1/incidents/{id:path}", response_model=IncidentResponse, responses=_ID_PROBLEMS
)
def get_incident(id: str, services: SharedContainer, request_id: RequestId) -> Response:  # noqa: A002
    """Return an incident as it is stored."""
    incident = services.incidents.get(parse_id(id) or id)
    return as_json(
        IncidentResponse(incident=incident.report, outcome=incident.outcome, request_id=request_id)
    )


@incident_routes.delete(
    "/v1/incidents/{id:path}", response_model=DeletedResponse, responses=_ID_PROBLEMS
)
def delete_incident(id: str, services: SharedContainer, request_id: RequestId) -> Response:  # noqa: A002
    """Remove an incident for good, and list the models that learned from it."""
    deletion = services.incidents.delete(parse_id(id) or id)
    return as_json(shape_deletion(id, deletion, request_id))
