"""Checks the API key, and slows those who guess it."""

import asyncio
import time
from collections import Counter, OrderedDict, deque
from hmac import compare_digest
from ipaddress import ip_address, ip_network

from pydantic import SecretStr
from starlette.requests import Request

from serving.runtime.errors import TooManyGuesses

_WINDOW_SECONDS = 60.0
_FREE_GUESSES = 5
"""The wrong keys that an address may send within the window before it is slowed."""
_MOST_WRONG = 100
"""With more wrong keys than this within the window, from all addresses, one is enough."""
_DELAY_SECONDS = 1.0
_MOST_DELAYED, _MOST_DELAYED_BY_ADDRESS = 64, 2
_MOST_ADDRESSES = 10_000
_IPV6_NETWORK = 64


class KeyCheck:
    """Compares credentials with the key in constant time.

    An address that sent wrong keys waits a second before its next one is checked, and at most two
    of its requests wait at a time. An address that sent no wrong key is never slowed, so that those
    who guess do not lock out others. All state is that of one worker.
    """

    def __init__(self, key: SecretStr | None, delay_seconds: float = _DELAY_SECONDS) -> None:
        self._encodings = None if key is None else _encodings(key.get_secret_value())
        self._delay_seconds = delay_seconds
        self._wrong_by_address: OrderedDict[str, deque[float]] = OrderedDict()
        self._wrong: deque[float] = deque(maxlen=_MOST_WRONG)
        self._delayed: Counter[str] = Counter()

    async def accept(self, request: Request, credentials: bytes) -> bool:
        """Return whether credentials are the key; raises `TooManyGuesses`."""
        if self._encodings is None or not credentials:
            return self._encodings is None
        address = _network_of(request)
        if self._is_slowed(address):
            await self._delay(address)
        if any(compare_digest(credentials, encoded) for encoded in self._encodings):
            self._wrong_by_address.pop(address, None)
            return True
        self._note_wrong(address)
        return False

    def _is_slowed(self, address: str) -> bool:
        since = time.monotonic() - _WINDOW_SECONDS
        wrong = self._wrong_by_address.get(address, ())
        is_attacked = len(self._wrong) == _MOST_WRONG and self._wrong[0] > since
        return sum(at > since for at in wrong) >= (1 if is_attacked else _FREE_GUESSES)

    async def _delay(self, address: str) -> None:
        is_full = self._delayed.total() >= _MOST_DELAYED
        if is_full or self._delayed[address] >= _MOST_DELAYED_BY_ADDRESS:
            raise TooManyGuesses("too many wrong keys were sent from this address; wait a minute")
        self._delayed[address] += 1
        try:
            await asyncio.sleep(self._delay_seconds)
        finally:
            self._delayed[address] -= 1
            self._delayed += Counter()  # removes addresses without a waiting request

    def _note_wrong(self, address: str) -> None:
        now = time.monotonic()
        self._wrong.append(now)
        wrong = self._wrong_by_address.setdefault(address, deque(maxlen=_FREE_GUESSES))
        wrong.append(now)
        self._wrong_by_address.move_to_end(address)
        if len(self._wrong_by_address) > _MOST_ADDRESSES:
            self._wrong_by_address.popitem(last=False)


def _encodings(key: str) -> tuple[bytes, ...]:
    # Clients send a header as UTF-8 or, if it can be written so, as latin-1.
    try:
        return key.encode(), key.encode("latin-1")
    except UnicodeEncodeError:
        return (key.encode(),)


def _network_of(request: Request) -> str:
    """Return a client's IPv4 address, or its IPv6 network, of which a client has all addresses."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if address.version == 4:
        return host
    return str(ip_network((address, _IPV6_NETWORK), strict=False))
