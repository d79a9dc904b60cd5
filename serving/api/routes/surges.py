"""The route that returns surges."""

from fastapi import APIRouter

from serving.api.auth import BEARER_KEY
from serving.api.dependencies import RequestId, SharedContainer
from serving.api.json_route import JsonRoute
from serving.api.problems import problem_responses
from serving.api.surge_schemas import SurgesResponse, shape_surges

surge_routes = APIRouter(route_class=JsonRoute, dependencies=[BEARER_KEY], tags=["incidents"])


@surge_routes.get("/v1/surges", responses=problem_responses(401, 403, 503))
def list_surges(services: SharedContainer, request_id: RequestId) -> SurgesResponse:
    """Return the kinds of incidents that come faster now than is usual for the hour."""
    return shape_surges(services.surges.open_surges(), request_id)
