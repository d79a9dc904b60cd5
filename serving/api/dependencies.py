"""What a route receives: the shared container, the body, and the id of the request."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from serving.container import Container
from serving.schemas.parsing import read_body


async def _container_of(request: Request) -> Container:
    services: Container = request.app.state.container
    return services


SharedContainer = Annotated[Container, Depends(_container_of)]


async def _read_body(request: Request, services: SharedContainer) -> bytes:
    return await read_body(request, services.settings.max_body_bytes)


async def _request_id(request: Request) -> str:
    return str(request.state.request_id)


RawBody = Annotated[bytes, Depends(_read_body)]
RequestId = Annotated[str, Depends(_request_id)]
