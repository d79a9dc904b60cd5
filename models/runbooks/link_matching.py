"""Finds the runbook that a report links to or is named like, which decides which one applies."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from features.domain.report import IncidentReport
from features.text.tokens import plain_name
from models.runbooks.passages import RunbookQuery
from models.runbooks.runbook_index import RunbookIndex

_URL = re.compile(r"https?://[^\s<>\"'`\])}]{4,500}", re.IGNORECASE)
_ABOUT_RUNBOOKS = re.compile(r"run-?_?book|play-?_?book|procedure|\bsop\b", re.IGNORECASE)
_ENDING = re.compile(r"(?:\.(?:md|mdx|html?|adoc|rst))?[/?#.,;:!]*$", re.IGNORECASE)
_SCHEME = re.compile(r"^https?://(?:www\.)?", re.IGNORECASE)
_SEPARATOR = re.compile(r"[/#]")
_LONGEST_READ = 20_000
_GENERIC_NAMES = frozenset(("index", "readme", "runbook", "runbooks", "playbook", "playbooks"))


def linked_runbook(report: IncidentReport, index: RunbookIndex) -> int | None:
    """Return the row of the runbook that a report links to.

    The first address that matches exactly one runbook counts; without such an address the result is
    None. An address matches the runbooks that have it as URL. If no runbook has it, but the
    address or the name of its field contains a word such as `runbook`, paths are compared from the
    end: the address matches the runbooks with the largest number of equal segments.
    """
    for address, is_about_runbooks in _addresses(report):
        rows = [
            row for row, runbook in enumerate(index.runbooks) if _same_page(address, runbook.url)
        ]
        if not rows and is_about_runbooks:
            rows = _rows_by_path(address, index)
        if len(rows) == 1:
            return rows[0]
    return None


def same_named_runbook(query: RunbookQuery, index: RunbookIndex) -> int | None:
    """Return the row of the only runbook whose title or file name is the name of the alert."""
    rows = [
        row for row, names in enumerate(index.own_names) if not query.full_names.isdisjoint(names)
    ]
    return rows[0] if len(rows) == 1 else None


def _addresses(report: IncidentReport) -> Iterator[tuple[str, bool]]:
    attributes = report.attributes.items()
    facts = ((bool(_ABOUT_RUNBOOKS.search(name)), value) for name, value in attributes)
    texts = [*facts, (False, report.description[:_LONGEST_READ]), (False, report.title)]
    for is_about_runbooks, text in sorted(texts, key=lambda item: not item[0]):
        addresses = _URL.findall(text)
        if is_about_runbooks and not addresses and text.strip():
            addresses = [text.strip()]
        for address in addresses:
            yield address, is_about_runbooks or bool(_ABOUT_RUNBOOKS.search(address))


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
