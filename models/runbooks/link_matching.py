"""The runbook that a report names by its address: that settles which one applies."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from features.domain.report import IncidentReport
from features.text.tokens import plain_name
from models.runbooks.runbook_index import RunbookIndex

_URL = re.compile(r"https?://[^\s<>\"'`\])}]{4,500}", re.IGNORECASE)
_ABOUT_RUNBOOKS = re.compile(r"run-?_?book|play-?_?book|procedure|\bsop\b", re.IGNORECASE)
_ENDING = re.compile(r"(?:\.(?:md|mdx|html?|adoc|rst))?[/?#.,;:!]*$", re.IGNORECASE)
_SCHEME = re.compile(r"^https?://(?:www\.)?", re.IGNORECASE)
_PLACE = re.compile(r"[/#]")
_LONGEST_READ = 20_000
_SAYS_NOTHING = frozenset(("index", "readme", "runbook", "runbooks", "playbook", "playbooks"))


def linked_runbook(report: IncidentReport, index: RunbookIndex) -> int | None:
    """Return the row of the one runbook that a report links to, None without a clear one.

    An address counts when it is the runbook's own, or when it speaks of runbooks (or stands in a
    field that does) and ends as the runbook's path does.
    """
    for address, is_about_runbooks in _addresses(report):
        rows = [row for row, one in enumerate(index.runbooks) if _same_page(address, one.url)]
        if not rows and is_about_runbooks:
            rows = _rows_by_path(address, index)
        if len(rows) == 1:
            return rows[0]
    return None


def _addresses(report: IncidentReport) -> Iterator[tuple[str, bool]]:
    named = ((bool(_ABOUT_RUNBOOKS.search(name)), v) for name, v in report.attributes.items())
    texts = [*named, (False, report.description[:_LONGEST_READ]), (False, report.title)]
    for is_about_runbooks, text in sorted(texts, key=lambda one: not one[0]):
        found = _URL.findall(text)
        if is_about_runbooks and not found and text.strip():
            found = [text.strip()]
        for address in found:
            yield address, is_about_runbooks or bool(_ABOUT_RUNBOOKS.search(address))


def _same_page(address: str, url: str | None) -> bool:
    return url is not None and _plain_address(address) == _plain_address(url)


def _plain_address(address: str) -> str:
    return _ENDING.sub("", _SCHEME.sub("", unquote(address))).lower()


def _rows_by_path(address: str, index: RunbookIndex) -> list[int]:
    """Return the runbooks whose path shares most segments with the address, from the end."""
    asked = _segments(_plain_address(address))
    if not asked or asked[-1] in _SAYS_NOTHING:
        return []
    shared = [_shared_end(asked, _segments(one.id)) for one in index.runbooks]
    most = max(shared, default=0)
    return [row for row, count in enumerate(shared) if count == most and most > 0]


def _segments(path: str) -> list[str]:
    return [plain for plain in map(plain_name, _PLACE.split(path)) if plain]


def _shared_end(first: list[str], second: list[str]) -> int:
    count = 0
    for one, other in zip(reversed(first), reversed(second), strict=False):
        if one != other:
            break
        count += 1
    return count
