"""The routes about models: which answer, who moves them, and which labels would improve them."""

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from serving.api.auth import require_key
from serving.api.dependencies import RawBody, RequestId, SharedContainer
from serving.api.model_schemas import (
    ChampionResponse,
    LabelQueueResponse,
    ModelsResponse,
    shape_champion,
    shape_models,
    shape_queue,
)
from serving.api.openapi import json_body, problem_responses, query_parameters
from serving.api.response_schemas import as_json
from serving.schemas.requests import LabelQueueQuery, PromoteRequest, RollbackRequest

_MOVE_PROBLEMS = problem_responses(400, 401, 404, 409, 413, 415, 422, 503)
_EXAMPLE = {"given_by": "ana", "reason": "it knows the new groups"}
_BY_API = "api"

model_routes = APIRouter(dependencies=[Depends(require_key)], tags=["models"])


@model_routes.get(
    "/v1/models", response_model=ModelsResponse, responses=problem_responses(401, 503)
)
def models(services: SharedContainer) -> Response:
    """Return the champions, as their cards describe them, and what production shows of them."""
    return as_json(shape_models(services))


@model_routes.post(
    "/v1/models/{target:path}/promote",
    response_model=ChampionResponse,
    responses=_MOVE_PROBLEMS,
    openapi_extra=json_body(PromoteRequest, third={"version": "3", **_EXAMPLE}),
)
def promote(
    target: str, body: RawBody, services: SharedContainer, request_id: RequestId
) -> Response:
    """Make a version the champion of a target, without one the newest."""
    asked = services.reader.body(PromoteRequest, body or b"{}")
    now = services.promotions.promote(
        target, asked.version, actor=asked.given_by or _BY_API, reason=asked.reason or ""
    )
    return as_json(shape_champion(now, request_id))


@model_routes.post(
    "/v1/models/{target:path}/rollback",
    response_model=ChampionResponse,
    responses=_MOVE_PROBLEMS,
    openapi_extra=json_body(RollbackRequest, back=_EXAMPLE),
)
def roll_back(
    target: str, body: RawBody, services: SharedContainer, request_id: RequestId
) -> Response:
    """Bring back the champion before the present one."""
    asked = services.reader.body(RollbackRequest, body or b"{}")
    now = services.promotions.roll_back(
        target, actor=asked.given_by or _BY_API, reason=asked.reason or ""
    )
    return as_json(shape_champion(now, request_id))


@model_routes.get(
    "/v1/labels/queue",
    response_model=LabelQueueResponse,
    responses=problem_responses(401, 422, 503),
    openapi_extra=query_parameters(LabelQueueQuery),
)
def label_queue(request: Request, services: SharedContainer, request_id: RequestId) -> Response:
    """Return the unlabelled incidents that are most worth a person's minute."""
    asked = services.reader.query(LabelQueueQuery, request.query_params)
    wanted = services.label_queue.next(asked.target, asked.limit)
    return as_json(shape_queue(wanted, request_id))
