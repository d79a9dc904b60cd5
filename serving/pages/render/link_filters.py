"""Paths of pages, and web addresses that are safe to link."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote, urlsplit

_ADDRESS = re.compile(r"https?://[^\s<>\"'`|\\^{}]+", re.IGNORECASE)
_AFTER_ADDRESS = ".,;:!?)]*"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text; `address` is what it links to, None if it is no web address."""

    text: str
    address: str | None = None


class NamesVersion(Protocol):
    """A version, or an event that names one."""

    @property
    def target(self) -> str | None:
        """The target that the model predicts."""

    @property
    def version(self) -> str | None:
        """The number of the version."""


def incident_path(id: str) -> str:  # noqa: A002
    """Return the path of an incident's page.

    >>> incident_path("a/b c?")
    '/incidents/a%2Fb%20c%3F'
    """
    return f"/incidents/{quote(id, safe='')}"


def model_path(target: str, version: str) -> str:
    """Return the path of a version's card.

    >>> model_path("fields.impact/urgency", "7")
    '/models/fields.impact%2Furgency/7'
    """
    return f"/models/{quote(target, safe='')}/{quote(version, safe='')}"


def version_path(reference: "NamesVersion") -> str:
    """Return the path of the card of a version, or of the version that an event names."""
    return model_path(reference.target or "", reference.version or "")


def web_address(address: object) -> str | None:
    """Return an address that is safe to link, None unless it is http or https.

    >>> web_address("https://wiki/x"), web_address("javascript:alert(1)")
    ('https://wiki/x', None)
    """
    text = str(address)
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    is_web = parts.scheme in {"http", "https"} and parts.netloc and not re.search(r"\s", text)
    return text if is_web else None


def linked_pieces(text: str) -> tuple[Piece, ...]:
    """Return a text cut at the web addresses in it.

    >>> [piece.address for piece in linked_pieces("see https://wiki/x.")]
    [None, 'https://wiki/x', None]
    """
    return tuple(_cut(text))


def _cut(text: str) -> Iterator[Piece]:
    end = 0
    for match in _ADDRESS.finditer(text):
        written = match.group().rstrip(_AFTER_ADDRESS)
        address = web_address(written)
        if address is None:
            continue
        if match.start() > end:
            yield Piece(text[end : match.start()])
        yield Piece(written, address)
        end = match.start() + len(written)
    if end < len(text):
        yield Piece(text[end:])
