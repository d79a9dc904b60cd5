"""Checks that requests carry the API key, if one is configured."""

from hmac import compare_digest

from fastapi import Depends
from fastapi.security import HTTPBearer
from pydantic import SecretStr
from starlette.requests import Request

from serving.runtime.errors import ForeignForm, Unauthorised

BEARER_KEY = Depends(
    HTTPBearer(auto_error=False, description="PRECEDENT_API_KEY, where one is set")
)
"""Documents the key. `JsonRoute` checks it, because a dependency runs after the body is read."""


def check_key(request: Request, key: SecretStr | None) -> None:
    """Raise `Unauthorised` if a key is configured and the request does not carry it.

    Without a configured key, a page of any site could send requests from a browser on this machine.
    So requests that the browser marks as sent by another origin's page raise `ForeignForm`.
    """
    if key is None:
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise ForeignForm("this service answers no other site's pages; set PRECEDENT_API_KEY")
    elif not holds_key(read_bearer(request), key):
        raise Unauthorised("send the key in the header Authorization: Bearer <key>")


def read_bearer(request: Request) -> str:
    """Return the bearer token of a request, empty without one."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else ""


def holds_key(credentials: str, key: SecretStr) -> bool:
    """Return whether credentials equal the key, by a comparison in constant time."""
    return compare_digest(credentials.encode(), key.get_secret_value().encode())
