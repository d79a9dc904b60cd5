"""Limits of HTTP connections: how many are open, and how long they may be silent or slow."""

import resource
from asyncio import Transport
from asyncio.events import TimerHandle
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.runtime.settings import ServingSettings

_CONNECTION_SHARE = 0.75
"""The share of the file descriptors that connections may use; the others are for files."""
_MOST_PIPELINED = 64
"""The most requests that wait on one connection for the answer to an earlier one."""
_GRACE_SECONDS = 2.0
"""How much later than the app the server ends a slow body, if it was answered meanwhile."""
_TOO_MANY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The most open connections, and how long a head, a body and an unread answer may take."""

    most: int
    idle_seconds: float
    body_seconds: float

    @classmethod
    def of(cls, settings: ServingSettings) -> "ConnectionLimits":
        """Return the limits of the settings; connections never use all file descriptors."""
        descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        most = settings.max_connections
        if descriptors != resource.RLIM_INFINITY:
            most = min(most, max(1, int(_CONNECTION_SHARE * descriptors)))
        return cls(most, settings.idle_seconds, settings.body_seconds)


class LimitedConfig(uvicorn.Config):
    """A configuration of uvicorn whose connections have limits."""

    def __init__(self, app: str, limits: ConnectionLimits, **options: Any) -> None:  # noqa: ANN401
        super().__init__(
            app,
            http=LimitedConnection,
            ws="none",
            timeout_keep_alive=max(1, round(limits.idle_seconds)),
            **options,
        )
        self.limits = limits


class LimitedConnection(HttpToolsProtocol):
    """A connection that ends if its client is silent or slow; uvicorn only ends idle ones.

    A new connection over the limit closes the one that has waited longest for its client.
    """

    _limits: ConnectionLimits
    _timer: TimerHandle | None = None
    _write_timer: TimerHandle | None = None
    _heard_at = 0.0

    @property
    def is_waiting_for_client(self) -> bool:
        """Whether the server waits for a request or for the rest of one."""
        cycle = self.cycle
        return cycle is None or cycle.response_complete or cycle.more_body

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Start to wait for the head of a request."""
        self._limits = cast("LimitedConfig", self.config).limits
        super().connection_made(transport)
        self._heard_at = self.loop.time()
        self._wait_at_most(self._limits.idle_seconds)
        if len(self.connections) > self._limits.most:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers."""
        self._stop_waiting()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse data; the first bytes after a whole request start to wait for the next head."""
        self._heard_at = self.loop.time()
        if self._timer is None:
            self._wait_at_most(self._limits.idle_seconds)
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """Start to wait for the body."""
        super().on_headers_complete()
        if len(self.pipeline) > _MOST_PIPELINED:
            self.transport.abort()
        self._wait_at_most(self._limits.body_seconds + _GRACE_SECONDS)

    def on_message_complete(self) -> None:
        """Stop to wait, because the whole request was received."""
        super().on_message_complete()
        self._stop_waiting()

    def pause_writing(self) -> None:
        """Start to wait until the client reads its answer."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(self._limits.body_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop to wait, because the client read a part of its answer."""
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _wait_at_most(self, seconds: float) -> None:
        self._stop_waiting()
        self._timer = self.loop.call_later(seconds, self._end)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self) -> None:
        self._timer = None
        # Stray bytes after a request, such as a line end, must not end the wait for its answer.
        if self.is_waiting_for_client:
            self.transport.abort()

    def _make_room(self) -> None:
        limited = [one for one in self.connections if isinstance(one, LimitedConnection)]
        waiting = [one for one in limited if one.is_waiting_for_client and one is not self]
        if waiting:
            oldest = min(waiting, key=lambda connection: connection._heard_at)
            # It no longer counts from now on, although it ends in the next turn of the loop.
            self.connections.discard(oldest)
            oldest.transport.abort()
        else:
            self.transport.write(_TOO_MANY)
            self.transport.close()


def raise_descriptor_limit() -> None:
    """Raise the limit of file descriptors to the most that the system allows this process."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
