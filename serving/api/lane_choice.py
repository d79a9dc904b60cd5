"""Chooses the lane of a route's work, and runs the work there."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from functools import partial, wraps
from typing import Annotated, Any, TypeVar

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from serving.container import Container
from serving.runtime.lanes import LaneName

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
LaneChoice = LaneName | Callable[[Mapping[str, Any]], LaneName]

_ATTRIBUTE = "lane"
_REQUEST = "request_in_lane"


def in_lane(lane: LaneChoice) -> Callable[[Endpoint], Endpoint]:
    """Set the lane of a route, which may depend on the arguments of its handler.

    Without this decorator GET reads, and other methods record.
    """

    def mark(endpoint: Endpoint) -> Endpoint:
        vars(endpoint)[_ATTRIBUTE] = lane
        return endpoint

    return mark


def lane_of(endpoint: Callable[..., Any], methods: frozenset[str]) -> LaneChoice:
    """Return the lane of a route."""
    usual = LaneName.READ if "GET" in methods else LaneName.RECORD
    choice: LaneChoice = getattr(endpoint, _ATTRIBUTE, usual)
    return choice


def run_in_lane(
    endpoint: Callable[..., Any], lane: LaneChoice, respond: Callable[[Any], Response]
) -> Callable[..., Awaitable[Response]]:
    """Return a handler that calls an endpoint and makes its response on a thread of the lane."""

    @wraps(endpoint)
    async def answer(**arguments: Any) -> Response:  # noqa: ANN401
        request: Request = arguments.pop(_REQUEST)
        services: Container = request.app.state.container
        chosen = lane if isinstance(lane, LaneName) else lane(arguments)
        size = getattr(arguments.get("body"), "size", 1)
        work = partial(_respond, endpoint, arguments, respond)
        return await services.lanes.run(chosen, request, work, size)

    signature = inspect.signature(endpoint)
    own = inspect.Parameter(
        _REQUEST, inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[Any, Depends(_this_request)]
    )
    vars(answer)["__signature__"] = signature.replace(
        parameters=[*signature.parameters.values(), own]
    )
    return answer


def _respond(
    endpoint: Callable[..., Any], arguments: Mapping[str, Any], respond: Callable[[Any], Response]
) -> Response:
    return respond(endpoint(**arguments))


async def _this_request(request: Request) -> Request:
    return request
