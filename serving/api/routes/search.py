"""The routes that search what is stored: past incidents and runbooks."""

from fastapi import APIRouter, Depends
from starlette.responses import Response

from serving.api.auth import require_key
from serving.api.dependencies import RawBody, RequestId, SharedContainer
from serving.api.openapi import BODY_PROBLEMS, EXAMPLE_INCIDENT, json_body
from serving.api.response_schemas import RunbooksResponse, SimilarResponse, as_json, shape_similar
from serving.schemas.requests import RunbooksRequest, SimilarRequest

search_routes = APIRouter(dependencies=[Depends(require_key)], tags=["triage"])


@search_routes.post(
    "/v1/similar",
    response_model=SimilarResponse,
    responses=BODY_PROBLEMS,
    openapi_extra=json_body(SimilarRequest, ticket={"incident": EXAMPLE_INCIDENT, "limit": 3}),
)
def similar(body: RawBody, services: SharedContainer, request_id: RequestId) -> Response:
    """Find the past incidents that are probably about the same trouble, or none."""
    asked = services.reader.body(SimilarRequest, body)
    report = services.reader.report(asked.incident)
    (prediction,) = services.similar.search([report], limit=asked.limit, cutoff=asked.cutoff)
    return as_json(shape_similar(prediction, request_id))


@search_routes.post(
    "/v1/runbooks",
    response_model=RunbooksResponse,
    responses=BODY_PROBLEMS,
    openapi_extra=json_body(RunbooksRequest, ticket={"incident": EXAMPLE_INCIDENT, "limit": 1}),
)
def runbooks(body: RawBody, services: SharedContainer, request_id: RequestId) -> Response:
    """Find the runbooks that probably apply, or none."""
    asked = services.reader.body(RunbooksRequest, body)
    report = services.reader.report(asked.incident)
    (prediction,) = services.runbooks.search([report], limit=asked.limit, cutoff=asked.cutoff)
    return as_json(RunbooksResponse(runbooks=list(prediction.runbooks), request_id=request_id))
