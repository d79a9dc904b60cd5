"""ASGI middleware for every request: id, log line, metrics, overload, hosts, limit of the body."""

import logging
import re
from collections.abc import Iterable
from http import HTTPMethod
from time import perf_counter
from uuid import uuid4

from anyio import current_time, fail_after
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.api.json_route import JsonRoute
from serving.api.problems import problem_headers, problem_of, respond, unexpected_problem
from serving.runtime.allowed_hosts import AllowedHosts
from serving.runtime.errors import BodyTooLarge, BodyTooSlow, Overloaded, UnknownHost
from serving.runtime.lanes import Lanes
from serving.runtime.metrics import ServingMetrics

_log = logging.getLogger(__name__)

REQUEST_ID = "X-Request-ID"
_CLIENT_CLOSED_REQUEST = 499
_ACCEPTED_ID = re.compile(r"[\w.:/+=-]{1,128}", re.ASCII)
_PROBES = "/health/"
_METHODS = frozenset(HTTPMethod)
# A caller that is still sending when the connection closes sees no answer. So the rest of the body
# is read and discarded first, up to this many times the limit.
_BODIES_DISCARDED = 8


class RequestLogMiddleware:
    """ASGI middleware that logs and counts requests, and answers those that fail unexpectedly.

    `request.state.request_id` is the caller's `X-Request-ID` if it matches `_ACCEPTED_ID`, else a
    new id.
    """

    def __init__(self, app: ASGIApp, metrics: ServingMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; if it fails before a response has started, answer with status 500."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope).get(REQUEST_ID, ""))
        scope.setdefault("state", {})["request_id"] = request_id
        started, status = perf_counter(), 0

        async def send_observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_observed)
        except ClientDisconnect:
            status = _CLIENT_CLOSED_REQUEST
        except Exception:
            _log.exception("a request failed", extra={"fields": {"request_id": request_id}})
            if status:
                raise
            await respond(unexpected_problem(request_id))(scope, receive, send_observed)
        finally:
            self._note(scope, request_id, status, perf_counter() - started)

    def _note(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        # With labels for each path and unknown method, clients could create endless metric series.
        route = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.count_request(method, route, status, seconds)
        fields = {
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "milliseconds": round(1000 * seconds, 1),
            "request_id": request_id,
        }
        _log.info("request", extra={"fields": fields})


class OverloadMiddleware:
    """ASGI middleware that refuses requests whose lane is full, before anything else is done.

    Under overload most requests are refused, so a refusal must cost little. `routes` are those
    whose method and path alone say the lane; other requests are refused when their lane is known.
    """

    def __init__(self, app: ASGIApp, lanes: Lanes, routes: Iterable[JsonRoute]) -> None:
        self._app = app
        self._lanes = lanes
        self._routes = {
            (method, route.path): route
            for route in routes
            if route.lane is not None and "{" not in route.path
            for method in route.methods or ()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer with status 503."""
        if scope["type"] == "http":
            route = self._routes.get((scope["method"], scope["path"]))
            if route is not None and route.lane is not None:
                try:
                    self._lanes.check_room(route.lane)
                except Overloaded as error:
                    scope["route"] = route
                    problem = problem_of(error, scope["state"]["request_id"])
                    answer = respond(problem, problem_headers(problem, error))
                    await answer(scope, receive, send)
                    return
        await self._app(scope, receive, send)


class HostMiddleware:
    """ASGI middleware that refuses requests for other hosts, except to `/health/`.

    A page of an attacker can give its name the address of this machine, and then read and change
    what the service holds; its requests still carry that name. Load balancers probe `/health/`
    under any name or address.
    """

    def __init__(self, app: ASGIApp, hosts: AllowedHosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer with status 403."""
        if scope["type"] == "http" and not scope["path"].startswith(_PROBES):
            headers = Headers(scope=scope).getlist("host") or [""]
            if not all(self._hosts.accept(header) for header in headers):
                error = UnknownHost(
                    "this service has another host name: see PRECEDENT_ALLOWED_HOSTS"
                )
                problem = problem_of(error, scope["state"]["request_id"])
                await respond(problem)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class BodyLimitMiddleware:
    """ASGI middleware; reading a body over the limits raises `BodyTooLarge` or `BodyTooSlow`.

    FastAPI's own `max_body_size` answers in plain text, and closes the connection.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, max_seconds: float) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with a limit on its body."""
        limited = self._limit(scope, receive) if scope["type"] == "http" else receive
        await self._app(scope, limited, send)

    def _limit(self, scope: Scope, receive: Receive) -> Receive:
        declared = Headers(scope=scope).get("content-length", "")
        is_declared_larger = declared.isdecimal() and int(declared) > self._max_bytes
        received = 0
        receive = self._limit_time(receive)

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received <= self._max_bytes and not is_declared_larger:
                return message
            while message.get("more_body") and received <= _BODIES_DISCARDED * self._max_bytes:
                message = await receive()
                received += len(message.get("body", b""))
            limit = f"the limit of {self._max_bytes} bytes"
            raise BodyTooLarge(f"the body is over {limit}; send less at once")

        return receive_limited

    def _limit_time(self, receive: Receive) -> Receive:
        deadline, is_complete = current_time() + self._max_seconds, False

        async def receive_in_time() -> Message:
            nonlocal is_complete
            if is_complete:
                return await receive()
            try:
                with fail_after(deadline - current_time()):
                    message = await receive()
            except TimeoutError:
                limit = f"within {self._max_seconds:g} s"
                raise BodyTooSlow(f"the body did not arrive {limit}; send it faster") from None
            is_complete = not message.get("more_body")
            return message

        return receive_in_time


def _request_id(given: str) -> str:
    return given if _ACCEPTED_ID.fullmatch(given) else str(uuid4())
