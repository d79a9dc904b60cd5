"""Lets in who holds the key, where one is configured."""

from hmac import compare_digest
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from serving.errors import Unauthorised
from serving.services import SharedServices

_bearer = HTTPBearer(auto_error=False, description="PRECEDENT_API_KEY, where one is set")


async def require_key(
    services: SharedServices,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> None:
    """Pass the request on; raises `Unauthorised` unless it brings the key."""
    key = services.settings.api_key
    if key is None:
        return
    given = credentials.credentials if credentials else ""
    if not compare_digest(given.encode(), key.get_secret_value().encode()):
        raise Unauthorised("send the key in the header Authorization: Bearer <key>")
