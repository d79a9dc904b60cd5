"""One HTTP exchange with a server that may be down, slow, or send far too much."""

import time
from collections.abc import Mapping

import httpx2

from features.errors import PrecedentError
from features.formatting import cut_short, one_line

MOST_BYTES = 64 * 2**20
_SHOWN = 200


class RequestFailed(PrecedentError):
    """A server did not answer in time, or not with what was asked for."""


class AnswerTooLarge(RequestFailed):
    """A server sends more at once than is read."""


def parse_address(given: str) -> str:
    """Return an http address without its last slash; raises `ValueError` for anything else.

    >>> parse_address("http://127.0.0.1:9090/")
    'http://127.0.0.1:9090'
    """
    try:
        url = httpx2.URL(given)
    except httpx2.InvalidURL as error:
        raise ValueError(f"{given!r} is no address: {error}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"{given!r} is no address; write it as http://HOST:PORT")
    return given.rstrip("/")


class HttpClient:
    """A server at an address: every answer comes whole, within a time and a size, or not at all.

    A library's timeouts count from byte to byte, so one that trickles is cut off here.
    """

    def __init__(
        self,
        url: str,
        timeout_seconds: float,
        most_bytes: int = MOST_BYTES,
        *,
        key: str | None = None,
    ) -> None:
        self.url = url
        self._timeout_seconds = timeout_seconds
        self._most_bytes = most_bytes
        # Without TLS there are no certificates to read, which takes a tenth of a second.
        self._client = httpx2.Client(
            timeout=timeout_seconds,
            verify=url.startswith("https:"),
            headers={"Authorization": f"Bearer {key}"} if key else None,
        )

    def post_form(self, path: str, fields: Mapping[str, str]) -> tuple[int, bytes]:
        """Send a form; return the status and the body; raises `RequestFailed`."""
        return self._post(path, self._client.build_request("POST", self.url + path, data=fields))

    def post_json(self, path: str, content: object) -> tuple[int, bytes]:
        """Send JSON; return the status and the body; raises `RequestFailed`."""
        return self._post(path, self._client.build_request("POST", self.url + path, json=content))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _post(self, path: str, request: httpx2.Request) -> tuple[int, bytes]:
        deadline = time.monotonic() + self._timeout_seconds
        try:
            response = self._client.send(request, stream=True)
            try:
                return response.status_code, self._read(response, deadline)
            finally:
                response.close()
        except httpx2.TimeoutException as error:
            raise self._too_slow() from error
        except httpx2.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise RequestFailed(f"{self._shown} does not answer {path}: {reason}") from error

    def _read(self, response: httpx2.Response, deadline: float) -> bytes:
        body = bytearray()
        for part in response.iter_bytes():
            body += part
            if len(body) > self._most_bytes:
                raise AnswerTooLarge(
                    f"{self._shown} sends more than {self._most_bytes:,} bytes at once"
                )
            if time.monotonic() > deadline:
                raise self._too_slow()
        return bytes(body)

    def _too_slow(self) -> RequestFailed:
        return RequestFailed(f"{self._shown} did not answer within {self._timeout_seconds:g} s")

    @property
    def _shown(self) -> str:
        # An address may hold a password.
        url = httpx2.URL(self.url)
        return f"{url.scheme}://{url.host}" + (f":{url.port}" if url.port else "")


def shorten(body: bytes) -> str:
    """Return the beginning of what a server sent, in one line.

    >>> shorten(b"first\\nsecond")
    'first second'
    """
    return cut_short(one_line(body[: 4 * _SHOWN].decode(errors="replace")), _SHOWN)
