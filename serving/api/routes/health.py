"""The routes for operators: whether the service is alive and ready, and its metrics."""

from fastapi import APIRouter
from starlette.responses import Response

from serving.api.dependencies import SharedContainer
from serving.api.response_schemas import LiveResponse, ReadyResponse, as_json, shape_ready

health_routes = APIRouter(tags=["operation"])


@health_routes.get("/health/live", response_model=LiveResponse)
async def live() -> Response:
    """Tell that the process answers."""
    return as_json(LiveResponse(status="live"))


@health_routes.get(
    "/health/ready", response_model=ReadyResponse, responses={503: {"model": ReadyResponse}}
)
async def ready(services: SharedContainer) -> Response:
    """Tell whether every champion that exists has been verified; having none is ready."""
    champions = services.champions.current()
    answer = shape_ready(champions, is_indexed=services.incident_index.is_complete)
    return as_json(answer, 200 if champions.is_ready else 503)


@health_routes.get("/metrics", response_class=Response)
def metrics(services: SharedContainer) -> Response:
    """Return what Prometheus scrapes."""
    return Response(services.metrics.render(), media_type="text/plain; version=0.0.4")
