"""The routes that list the routines of watched series, and revoke them."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from features.text.parsing import Name
from serving.api.auth import BEARER_KEY
from serving.api.dependencies import RequestId, SharedContainer
from serving.api.examples import EXAMPLE_REVOCATION, body_examples
from serving.api.json_route import JsonRoute
from serving.api.problems import BODY_PROBLEMS, problem_responses
from serving.api.routine_schemas import (
    ChangedRoutineResponse,
    RoutinesResponse,
    shape_routine,
    shape_routines,
)
from serving.schemas.requests import RoutineRequest, RoutinesQuery

routine_routes = APIRouter(route_class=JsonRoute, dependencies=[BEARER_KEY], tags=["telemetry"])

RoutineId = Annotated[Name, Path(description="the routine's id")]
RoutineBody = Annotated[RoutineRequest, body_examples(person=EXAMPLE_REVOCATION)]
_CHANGE_PROBLEMS = BODY_PROBLEMS | problem_responses(404)
_NOBODY = RoutineRequest()
_BY_API = "api"


@routine_routes.get("/v1/routines", responses=problem_responses(401, 403, 422, 503))
def list_routines(
    query: Annotated[RoutinesQuery, Query()], services: SharedContainer, request_id: RequestId
) -> RoutinesResponse:
    """Return the routines of watched series that were announced, the newest first."""
    return shape_routines(services.routines.page(query.limit, query.parse_cursor()), request_id)


@routine_routes.post("/v1/routines/{id}/revoke", responses=_CHANGE_PROBLEMS)
def revoke_routine(
    id: RoutineId,  # noqa: A002
    services: SharedContainer,
    request_id: RequestId,
    body: RoutineBody = _NOBODY,
) -> ChangedRoutineResponse:
    """Let the watch flag a routine again, and never take it as routine."""
    changed = services.routines.revoke(
        id, given_by=body.given_by or _BY_API, reason=body.reason or ""
    )
    return ChangedRoutineResponse(routine=shape_routine(changed), request_id=request_id)


@routine_routes.post("/v1/routines/{id}/restore", responses=_CHANGE_PROBLEMS)
def restore_routine(
    id: RoutineId,  # noqa: A002
    services: SharedContainer,
    request_id: RequestId,
    body: RoutineBody = _NOBODY,
) -> ChangedRoutineResponse:
    """Let the watch learn a revoked routine again."""
    changed = services.routines.restore(
        id, given_by=body.given_by or _BY_API, reason=body.reason or ""
    )
    return ChangedRoutineResponse(routine=shape_routine(changed), request_id=request_id)
