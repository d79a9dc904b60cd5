"""The routes that store, return and delete incidents."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from features.text.parsing import Name
from serving.api.auth import BEARER_KEY
from serving.api.dependencies import RequestId, SharedContainer
from serving.api.examples import EXAMPLE_INCIDENT, EXAMPLE_OUTCOME, body_examples
from serving.api.incident_schemas import (
    IncidentResponse,
    IncidentsResponse,
    shape_incident,
    shape_listed,
    shape_stored,
)
from serving.api.json_route import JsonRoute
from serving.api.lane_choice import in_lane
from serving.api.problems import BODY_PROBLEMS, problem_responses
from serving.api.response_schemas import DeletedResponse, StoredResponse, shape_deletion
from serving.api.routes.triage import answer_report
from serving.runtime.lanes import LaneName
from serving.schemas.cursors import write_cursor
from serving.schemas.requests import IncidentsQuery, UpsertRequest

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
@in_lane(lambda given: LaneName.COMPUTE if given["triage"] else LaneName.RECORD)
def upsert_incident(
    body: UpsertBody,
    services: SharedContainer,
    request_id: RequestId,
    triage: Annotated[bool, Query(description="answer about the incident too")] = False,
) -> StoredResponse:
    """Add an incident, or merge an update: absent fields keep their values, null erases them."""
    update = body.update(services.reader.report(body.incident), services.reader.masking)
    result = services.incidents.upsert(update, request_id, queued=not triage)
    services.incident_index.apply_changes()
    response = StoredResponse(
        incident_id=update.report.id,
        request_id=request_id,
        revision=result.revision,
        effect=result.effect,
    )
    if not triage:
        return response
    answer = answer_report(services, result.incident.incident.report, None, request_id)
    return response.model_copy(update={"triage": answer})


@incident_routes.get("/v1/incidents", responses=problem_responses(401, 403, 422, 503))
def list_incidents(
    query: Annotated[IncidentsQuery, Query()], services: SharedContainer, request_id: RequestId
) -> IncidentsResponse:
    """Return a page of incidents: the newest first, or with `query` the best first."""
    page = services.incident_search.page(query.parse(services.reader.masking))
    ids = [incident.report.id for incident in page.incidents]
    tracked = services.store.tracked.find(ids)
    return IncidentsResponse(
        incidents=[shape_listed(tracked[id_]) for id_ in ids if id_ in tracked],
        next=None if page.next is None else write_cursor(page.next),
        request_id=request_id,
    )


@incident_routes.get("/v1/incidents/{id:path}", responses=_ID_PROBLEMS)
def get_incident(
    id: IncidentId,  # noqa: A002
    services: SharedContainer,
    request_id: RequestId,
) -> IncidentResponse:
    """Return an incident as it is stored, with its alerts, its history and the newest answer."""
    tracked = services.incidents.get_tracked(id)
    stored_id = tracked.incident.report.id
    answers = services.stored_answers.latest(stored_id)
    champions = services.champions.current().serving
    return shape_incident(
        tracked,
        services.store.tracked.consequences([stored_id]).get(stored_id, ()),
        services.store.tracked.versions(stored_id),
        None if answers is None else shape_stored(answers, champions),
        services.incident_context.context_of(tracked.incident.report),
        request_id,
    )


@incident_routes.delete("/v1/incidents/{id:path}", responses=_ID_PROBLEMS)
def delete_incident(
    id: IncidentId,  # noqa: A002
    services: SharedContainer,
    request_id: RequestId,
) -> DeletedResponse:
    """Delete an incident, and list the models that learned from it."""
    return shape_deletion(id, services.incidents.delete(id), request_id)
