"""The routes that store, return and delete incidents."""

from typing import Annotated

from fastapi import APIRouter, Path

from features.text.parsing import Name
from serving.api.auth import BEARER_KEY
from serving.api.dependencies import RequestId, SharedContainer
from serving.api.examples import EXAMPLE_INCIDENT, EXAMPLE_OUTCOME, body_examples
from serving.api.json_route import JsonRoute
from serving.api.problems import BODY_PROBLEMS, problem_responses
from serving.api.response_schemas import (
    DeletedResponse,
    IncidentResponse,
    StoredResponse,
    shape_deletion,
)
from serving.schemas.requests import UpsertRequest

incident_routes = APIRouter(route_class=JsonRoute, dependencies=[BEARER_KEY], tags=["incidents"])

UpsertBody = Annotated[
    UpsertRequest,
    body_examples(
        open={"incident": EXAMPLE_INCIDENT},
        resolved={"incident": EXAMPLE_INCIDENT, "outcome": EXAMPLE_OUTCOME},
        update={
            "incident": {"id": "INC0012345", "service": "vpn-gateway"},
            "updated_at": "2026-03-02T09:00:00Z",
        },
        by_a_person={
            "incident": {"id": "INC0012345"},
            "outcome": {"severity": "2 - High"},
            "given_by": "ana",
        },
    ),
]
IncidentId = Annotated[Name, Path(description="the incident's id, percent-encoded")]
_ID_PROBLEMS = problem_responses(401, 403, 404, 422, 503)


@incident_routes.post("/v1/incidents", responses=BODY_PROBLEMS)
def upsert_incident(
    body: UpsertBody, services: SharedContainer, request_id: RequestId
) -> StoredResponse:
    """Add an incident, or merge an update: absent fields keep their values, null erases them."""
    update = body.update(services.reader.report(body.incident), services.reader.masking)
    result = services.incidents.upsert(update, request_id)
    services.incident_index.apply_changes()
    return StoredResponse(
        incident_id=update.report.id,
        request_id=request_id,
        revision=result.revision,
        effect=result.effect,
    )


@incident_routes.get("/v1/incidents/{id:path}", responses=_ID_PROBLEMS)
def get_incident(
    id: IncidentId,  # noqa: A002
    services: SharedContainer,
    request_id: RequestId,
) -> IncidentResponse:
    """Return an incident as it is stored."""
    incident = services.incidents.get(id)
    return IncidentResponse(
        incident=incident.report, outcome=incident.outcome, request_id=request_id
    )


@incident_routes.delete("/v1/incidents/{id:path}", responses=_ID_PROBLEMS)
def delete_incident(
    id: IncidentId,  # noqa: A002
    services: SharedContainer,
    request_id: RequestId,
) -> DeletedResponse:
    """Delete an incident, and list the models that learned from it."""
    return shape_deletion(id, services.incidents.delete(id), request_id)
