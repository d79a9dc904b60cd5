"""Paths of pages, and web addresses that are safe to link."""

from typing import Protocol
from urllib.parse import quote, urlsplit


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
    try:
        is_web = urlsplit(str(address)).scheme in {"http", "https"}
    except ValueError:
        return None
    return str(address) if is_web else None
