"""Sends HTTP requests to a server that may be down, be slow, or send too much."""

import time
from collections.abc import Mapping

import httpx2

from features.errors import PrecedentError
from features.formatting import cut_short, one_line
from serving.runtime.credentials import Credentials, UnreadableCredentials

MOST_BYTES = 64 * 2**20
_LONGEST = 200


class RequestFailed(PrecedentError):
    """A server did not answer in time, or its answer was not as expected."""


class AnswerTooLarge(RequestFailed):
    """A server sent more bytes than are accepted."""


def parse_address(address: str) -> str:
    """Return an HTTP address without a slash at its end; raises `ValueError` for other texts.

    >>> parse_address("http://127.0.0.1:9090/")
    'http://127.0.0.1:9090'
    """
    try:
        url = httpx2.URL(address)
    except httpx2.InvalidURL as error:
        raise ValueError(f"{address!r} is not an address: {error}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"{address!r} is not an address; write it as http://HOST:PORT")
    return address.rstrip("/")


class HttpClient:
    """Sends requests to one server; limits the time and the size of each whole answer.

    The timeouts of httpx2 only limit the time between bytes, so slow answers are cut off here.
    """

    def __init__(
        self,
        url: str,
        timeout_seconds: float,
        most_bytes: int = MOST_BYTES,
        *,
        credentials: Credentials | None = None,
    ) -> None:
        self.url = url
        self._timeout_seconds = timeout_seconds
        self._most_bytes = most_bytes
        self._credentials = credentials or Credentials()
        # Loading certificates takes a tenth of a second and is only needed for TLS.
        is_tls = url.startswith("https:")
        verify = self._credentials.tls_context() if is_tls else False
        self._client = httpx2.Client(timeout=timeout_seconds, verify=verify)

    def get(self, path: str) -> tuple[int, bytes]:
        """Request a path; return the status and the body; raises `RequestFailed`."""
        return self._send(path, self._client.build_request("GET", self.url + path))

    def post_form(self, path: str, fields: Mapping[str, str]) -> tuple[int, bytes]:
        """Send a form; return the status and the body; raises `RequestFailed`."""
        return self._send(path, self._client.build_request("POST", self.url + path, data=fields))

    def post_json(self, path: str, content: object) -> tuple[int, bytes]:
        """Send JSON; return the status and the body; raises `RequestFailed`."""
        return self._send(path, self._client.build_request("POST", self.url + path, json=content))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _send(self, path: str, request: httpx2.Request) -> tuple[int, bytes]:
        deadline = time.monotonic() + self._timeout_seconds
        self._authorise(request)
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
            raise RequestFailed(f"{self._name} does not answer {path}: {reason}") from error

    def _authorise(self, request: httpx2.Request) -> None:
        try:
            authorization = self._credentials.authorization()
        except UnreadableCredentials as error:
            raise RequestFailed(f"{self._name} is not asked: {error}") from error
        if authorization is not None:
            # Bytes, because a key may hold other characters than ASCII.
            request.headers.update({b"Authorization": authorization.encode()})

    def _read(self, response: httpx2.Response, deadline: float) -> bytes:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > self._most_bytes:
                raise AnswerTooLarge(f"{self._name} sent more than {self._most_bytes:,} bytes")
            if time.monotonic() > deadline:
                raise self._too_slow()
        return bytes(body)

    def _too_slow(self) -> RequestFailed:
        return RequestFailed(f"{self._name} did not answer within {self._timeout_seconds:g} s")

    @property
    def _name(self) -> str:
        # The name omits user and password, which the address may contain.
        url = httpx2.URL(self.url)
        return f"{url.scheme}://{url.host}" + (f":{url.port}" if url.port else "")


def shorten(body: bytes) -> str:
    """Return the beginning of a body on one line, for an error message.

    >>> shorten(b"first\\nsecond")
    'first second'
    """
    return cut_short(one_line(body[: 4 * _LONGEST].decode(errors="replace")), _LONGEST)
