"""What a route receives: the shared container, and the id of the request."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from serving.container import Container


async def _container_of(request: Request) -> Container:
    services: Container = request.app.state.container
    return services


async def _request_id(request: Request) -> str:
    return str(request.state.request_id)


SharedContainer = Annotated[Container, Depends(_container_of)]
RequestId = Annotated[str, Depends(_request_id)]
