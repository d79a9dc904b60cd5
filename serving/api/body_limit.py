"""Limits the size of request bodies."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.runtime.errors import BodyTooLarge

# A caller whose connection is cut while it still sends sees no answer, so this many times the limit
# is read and dropped first.
_BODIES_DISCARDED = 8


class BodyLimitMiddleware:
    """ASGI middleware; reading a body over the limit raises `BodyTooLarge`.

    FastAPI's own `max_body_size` answers in plain text, and cuts the connection.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with a limit on its body."""
        limited = self._limit(scope, receive) if scope["type"] == "http" else receive
        await self._app(scope, limited, send)

    def _limit(self, scope: Scope, receive: Receive) -> Receive:
        declared = Headers(scope=scope).get("content-length", "")
        is_declared_larger = declared.isdecimal() and int(declared) > self._max_bytes
        received = 0

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
