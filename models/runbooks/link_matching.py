"""Finds the runbook that a report links to; a link decides which runbook applies."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from features.domain.report import IncidentReport
from features.text.tokens import plain_name
from models.runbooks.runbook_index import RunbookIndex

_URL = re.compile(r"https?://[^\s<>\"'`\])}]{4,500}", re.IGNORECASE)
_ABOUT_RUNBOOKS = re.compile(r"run-?_?book|play-?_?book|procedure|\bsop\b", re.IGNORECASE)
_ENDING = re.compile(r"(?:\.(?:md|mdx|html?|adoc|rst))?[/?#.,;:!]*$", re.IGNORECASE)
_SCHEME = re.compile(r"^https?://(?:www\.)?", re.IGNORECASE)
_SEPARATOR = re.compile(r"[/#]")
_LONGEST_READ = 20_000
_GENERIC_NAMES = frozenset(("index", "readme", "runbook", "runbooks", "playbook", "playbooks"))


@dataclass(frozen=True, slots=True)
class Link:
    """A report's link to the runbook in a row of the index, at `start` to `end` of a field."""

    row: int
    field: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Address:
    text: str
    is_about_runbooks: bool
    field: str
    start: int


def linked_runbook(report: IncidentReport, index: RunbookIndex) -> Link | None:
    """Return a report's link to a runbook.

    The first address that matches exactly one runbook counts; without such an address the result is
    None. An address matches the runbooks that have it as URL. If no runbook has it, but the
    address or the name of its field contains a word such as `runbook`, paths are compared from the
    end: the address matches the runbooks with the largest number of equal segments.
    """
    for address in _addresses(report):
        rows = [
            row
            for row, runbook in enumerate(index.runbooks)
            if _same_page(address.text, runbook.url)
        ]
        if not rows and address.is_about_runbooks:
            rows = _rows_by_path(address.text, index)
        if len(rows) == 1:
            end = address.start + len(address.text)
            return Link(rows[0], address.field, address.start, end)
    return None


def _addresses(report: IncidentReport) -> Iterator[_Address]:
    facts = [
        (bool(_ABOUT_RUNBOOKS.search(name)), f"attributes.{name}", value)
        for name, value in report.attributes.items()
    ]
    texts = [
        *facts,
        (False, "description", report.description[:_LONGEST_READ]),
        (False, "title", report.title),
    ]
    for is_about_runbooks, field, text in sorted(texts, key=lambda item: not item[0]):
        addresses = [(match[0], match.start()) for match in _URL.finditer(text)]
        if is_about_runbooks and not addresses and text.strip():
            addresses = [(text.strip(), len(text) - len(text.lstrip()))]
        for address, start in addresses:
            is_about = is_about_runbooks or bool(_ABOUT_RUNBOOKS.search(address))
            yield _Address(address, is_about, field, start)


def _same_page(address: str, url: str | None) -> bool:
    return url is not None and _plain_address(address) == _plain_address(url)


def _plain_address(address: str) -> str:
    return _ENDING.sub("", _SCHEME.sub("", unquote(address))).lower()


def _rows_by_path(address: str, index: RunbookIndex) -> list[int]:
    """Return the rows of the runbooks whose paths end like `address` in the most segments."""
    segments = _segments(_plain_address(address))
    if not segments or segments[-1] in _GENERIC_NAMES:
        return []
    counts = [_shared_end(segments, _segments(runbook.id)) for runbook in index.runbooks]
    most = max(counts, default=0)
    return [row for row, count in enumerate(counts) if count == most and most > 0]


def _segments(path: str) -> list[str]:
    return [plain for plain in map(plain_name, _SEPARATOR.split(path)) if plain]


def _shared_end(first: list[str], second: list[str]) -> int:
    count = 0
    for left, right in zip(reversed(first), reversed(second), strict=False):
        if left != right:
            break
        count += 1
    return count
