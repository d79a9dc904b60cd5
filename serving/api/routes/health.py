"""The routes for operators: whether the service is alive and ready, and its metrics."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from serving.api.dependencies import SharedContainer
from serving.api.response_schemas import LiveResponse, ReadyResponse, shape_ready
from serving.runtime.lanes import LaneName

health_routes = APIRouter(tags=["operation"])


@health_routes.get("/health/live")
async def live() -> LiveResponse:
    """Answer 200 as long as the process runs."""
    return LiveResponse(status="live")


@health_routes.get("/health/ready", responses={503: {"model": ReadyResponse}})
async def ready(services: SharedContainer, response: Response) -> ReadyResponse:
    """Answer 200 if every target with a champion has a verified version loaded, else 503.

    The status is also 503 until the registry was read and the stored incidents and runbooks are
    indexed. It is 200 if the registry was read and has no champions.
    """
    champions, unready = services.champions.current(), services.unready()
    response.status_code = 200 if champions.is_ready and not unready else 503
    return shape_ready(champions, services.suspensions.suspensions, unready)


@health_routes.get("/metrics", response_class=PlainTextResponse)
async def metrics(request: Request, services: SharedContainer) -> Response:
    """Return the metrics in the text format of Prometheus."""
    text = await services.lanes.run(LaneName.METRICS, request, services.metrics.render)
    return Response(text, media_type="text/plain; version=0.0.4")
