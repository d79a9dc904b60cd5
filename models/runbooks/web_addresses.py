"""Compares the address that a report gives with the addresses of a runbook's page."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from features.domain.runbook import Runbook
from features.imports.runbooks.front_matter import ADDRESS_FACTS
from features.text.tokens import plain_name

_ENDING = re.compile(r"(?:\.(?:md|mdx|html?|adoc|rst))?[/?#.,;:!]*$", re.IGNORECASE)
_LANGUAGE = re.compile(r"\.[a-z]{2}(?:-[a-zA-Z]{2})?$")
_SCHEME = re.compile(r"^https?://(?:www\.)?", re.IGNORECASE)
_INDEX_NAMES = frozenset(("index", "readme", "home"))


@dataclass(frozen=True, slots=True)
class WebAddress:
    """An address in parts: the page without scheme and ending, its query, and the anchor."""

    page: str
    query: frozenset[tuple[str, str]]
    anchor: str

    @property
    def segments(self) -> list[str]:
        """The parts of the page's path in plain letters, without a name such as `index`."""
        return path_segments(self.page)


def parse_address(address: str) -> WebAddress:
    """Split an address, or a path, into its parts.

    >>> address = parse_address("https://docs.example.com/rb/node-lost.html?x=1#fix")
    >>> address.page, address.anchor
    ('docs.example.com/rb/node-lost', 'fix')
    """
    before, _, anchor = address.strip().partition("#")
    path, _, query = before.partition("?")
    page = _ENDING.sub("", _SCHEME.sub("", unquote(path))).lower()
    return WebAddress(page, frozenset(parse_qsl(query)), unquote(anchor).strip(".,;:!/ "))


def path_segments(path: str) -> list[str]:
    """Return the parts of a path in plain letters; relative parts and a last `index` are left out.

    >>> path_segments("../docs/Disk-Full/_index.en")
    ['docs', 'diskfull']
    """
    parts = [_ENDING.sub("", part) for part in path.split("/") if part.strip(".")]
    if parts:
        parts[-1] = _LANGUAGE.sub("", parts[-1])
    segments = [plain for plain in map(plain_name, parts) if plain]
    return segments[:-1] if segments and segments[-1] in _INDEX_NAMES else segments


def is_page(address: WebAddress, url: str) -> bool:
    """Return whether an address is that of a web page, with the query that the page needs."""
    own = parse_address(url)
    return address.page == own.page and own.query <= address.query


def other_addresses(runbook: Runbook) -> list[str]:
    """Return the other addresses that a runbook's front matter gives its page."""
    facts = (runbook.facts.get(name, "") for name in ADDRESS_FACTS)
    lines = (line.strip() for fact in facts for line in fact.splitlines())
    return [line for line in lines if line and line != runbook.url]


def shared_end(first: list[str], second: list[str]) -> int:
    """Return how many segments two paths share at their end."""
    count = 0
    for left, right in zip(reversed(first), reversed(second), strict=False):
        if left != right:
            break
        count += 1
    return count
