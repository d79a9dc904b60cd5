"""Checks who may call the interface: the key, if one is configured, and no other site's pages."""

from urllib.parse import urlsplit

from fastapi import Depends
from fastapi.security import HTTPBearer
from starlette.requests import Request

from serving.container import Container
from serving.runtime.allowed_hosts import AllowedHosts
from serving.runtime.errors import ForeignForm, Unauthorised

BEARER_KEY = Depends(
    HTTPBearer(auto_error=False, description="PRECEDENT_API_KEY, where one is set")
)
"""Documents the key. `JsonRoute` checks it, because a dependency runs after the body is read."""

_OWN_SITE = frozenset({"same-origin", "none"})


async def check_access(request: Request, services: Container) -> None:
    """Raise an error unless a request carries the key, if one is configured.

    A request that a page of another origin sent raises `ForeignForm`, also with the key: without a
    key, any page in a browser on this machine could send requests. Raises `Unauthorised` or
    `TooManyGuesses`.
    """
    if _is_foreign(request, services.settings.hosts):
        raise ForeignForm("this service answers no other site's pages")
    if not await services.key_check.accept(request, read_bearer(request)):
        raise Unauthorised("send the key in the header Authorization: Bearer <key>")


def read_bearer(request: Request) -> bytes:
    """Return the bearer token of a request as it was sent, empty without one."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    # The framework reads the bytes of a header as latin-1.
    return credentials.strip(" \t").encode("latin-1") if scheme.lower() == "bearer" else b""


def is_from_own_page(request: Request) -> bool:
    """Return whether a form comes from a page of this service, by the headers that browsers set.

    Browsers send Origin with every form; they send Sec-Fetch-Site only over HTTPS or to their own
    machine.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in _OWN_SITE
    host = request.headers.get("host", "")
    return bool(host) and urlsplit(request.headers.get("origin", "")).netloc == host


def _is_foreign(request: Request, hosts: AllowedHosts) -> bool:
    """Return whether a page of another origin sent a request; programs send none of the headers."""
    if "sec-fetch-site" not in request.headers and "origin" not in request.headers:
        return False
    if is_from_own_page(request):
        return False
    if "sec-fetch-site" in request.headers:
        return True
    # Behind a proxy that sends another Host, the origin is one of the names in the settings.
    return not hosts.accept_by_name(urlsplit(request.headers["origin"]).netloc)
