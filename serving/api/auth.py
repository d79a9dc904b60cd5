"""Lets in who holds the key, where one is configured."""

from hmac import compare_digest
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr
from starlette.requests import Request

from serving.api.dependencies import SharedContainer
from serving.runtime.errors import ForeignForm, Unauthorised

_bearer = HTTPBearer(auto_error=False, description="PRECEDENT_API_KEY, where one is set")


async def require_key(
    request: Request,
    services: SharedContainer,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> None:
    """Pass the request on; raises `Unauthorised` unless it brings the key.

    Without a key any page in a browser of this machine could ask, so browsers must not ask for
    another site: `ForeignForm`.
    """
    key = services.settings.api_key
    if key is None:
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise ForeignForm("this service answers no other site's pages; set PRECEDENT_API_KEY")
        return
    given = credentials.credentials if credentials else ""
    if not holds_key(given, key):
        raise Unauthorised("send the key in the header Authorization: Bearer <key>")


def holds_key(given: str, key: SecretStr) -> bool:
    """Tell whether what was given is the key, in a time that tells nothing of it."""
    return compare_digest(given.encode(), key.get_secret_value().encode())
