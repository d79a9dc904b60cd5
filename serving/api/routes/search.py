"""The routes that search the stored incidents and runbooks."""

from typing import Annotated

from fastapi import APIRouter

from serving.api.auth import BEARER_KEY
from serving.api.dependencies import RequestId, SharedContainer
from serving.api.examples import EXAMPLE_INCIDENT, body_examples
from serving.api.json_route import JsonRoute
from serving.api.lane_choice import in_lane
from serving.api.problems import BODY_PROBLEMS
from serving.api.response_schemas import RunbooksResponse, SimilarResponse
from serving.runtime.lanes import LaneName
from serving.schemas.requests import RunbooksRequest, SimilarRequest

search_routes = APIRouter(route_class=JsonRoute, dependencies=[BEARER_KEY], tags=["triage"])

SimilarBody = Annotated[
    SimilarRequest, body_examples(ticket={"incident": EXAMPLE_INCIDENT, "limit": 3})
]
RunbooksBody = Annotated[
    RunbooksRequest, body_examples(ticket={"incident": EXAMPLE_INCIDENT, "limit": 1})
]


@search_routes.post("/v1/similar", responses=BODY_PROBLEMS)
@in_lane(LaneName.COMPUTE)
def similar(body: SimilarBody, services: SharedContainer, request_id: RequestId) -> SimilarResponse:
    """Find the past incidents that are probably about the same issue; there may be none."""
    report = services.reader.report(body.incident)
    (prediction,) = services.similar.search([report], limit=body.limit, cutoff=body.cutoff)
    return SimilarResponse(
        similar=list(prediction.similar), open_match=prediction.open_match, request_id=request_id
    )


@search_routes.post("/v1/runbooks", responses=BODY_PROBLEMS)
@in_lane(LaneName.COMPUTE)
def runbooks(
    body: RunbooksBody, services: SharedContainer, request_id: RequestId
) -> RunbooksResponse:
    """Find the runbooks that probably apply; there may be none."""
    report = services.reader.report(body.incident)
    (prediction,) = services.runbooks.search([report], limit=body.limit, cutoff=body.cutoff)
    return RunbooksResponse(runbooks=list(prediction.runbooks), request_id=request_id)
