"""The routes about models: champions, promotion, rollback, and the queue of incidents to label."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from serving.api.auth import BEARER_KEY
from serving.api.dependencies import RequestId, SharedContainer
from serving.api.examples import EXAMPLE_MOVE, body_examples
from serving.api.json_route import JsonRoute
from serving.api.lane_choice import in_lane
from serving.api.model_schemas import (
    ChampionResponse,
    LabelQueueResponse,
    ModelsResponse,
    shape_models,
)
from serving.api.problems import BODY_PROBLEMS, problem_responses
from serving.runtime.lanes import LaneName
from serving.schemas.requests import LabelQueueQuery, PromoteRequest, RollbackRequest

model_routes = APIRouter(route_class=JsonRoute, dependencies=[BEARER_KEY], tags=["models"])

PromoteBody = Annotated[PromoteRequest, body_examples(third={"version": "3", **EXAMPLE_MOVE})]
RollbackBody = Annotated[RollbackRequest, body_examples(back=EXAMPLE_MOVE)]
_MOVE_PROBLEMS = BODY_PROBLEMS | problem_responses(404, 409)
_NEWEST, _NOBODY = PromoteRequest(), RollbackRequest()
_BY_API = "api"


@model_routes.get("/v1/models", responses=problem_responses(401, 403, 503))
def models(services: SharedContainer) -> ModelsResponse:
    """Return the champions: the contents of their cards, and their figures in production."""
    return shape_models(services)


@model_routes.post("/v1/models/{target:path}/promote", responses=_MOVE_PROBLEMS)
def promote(
    target: str,
    services: SharedContainer,
    request_id: RequestId,
    body: PromoteBody = _NEWEST,
) -> ChampionResponse:
    """Make a version the champion of a target; the default is the newest version."""
    champion = services.promotions.promote(
        target, body.version, actor=body.given_by or _BY_API, reason=body.reason or ""
    )
    return ChampionResponse(**asdict(champion), request_id=request_id)


@model_routes.post("/v1/models/{target:path}/rollback", responses=_MOVE_PROBLEMS)
def roll_back(
    target: str,
    services: SharedContainer,
    request_id: RequestId,
    body: RollbackBody = _NOBODY,
) -> ChampionResponse:
    """Make the previous champion of a target the champion again."""
    champion = services.promotions.roll_back(
        target, actor=body.given_by or _BY_API, reason=body.reason or ""
    )
    return ChampionResponse(**asdict(champion), request_id=request_id)


@model_routes.get("/v1/labels/queue", responses=problem_responses(401, 403, 422, 503))
@in_lane(LaneName.COMPUTE)
def label_queue(
    query: Annotated[LabelQueueQuery, Query()], services: SharedContainer, request_id: RequestId
) -> LabelQueueResponse:
    """Return incidents to label: those of the audit sample, then those that help the model most."""
    wanted = services.label_queue.next(query.target, query.limit)
    return LabelQueueResponse(queue=list(wanted), request_id=request_id)
