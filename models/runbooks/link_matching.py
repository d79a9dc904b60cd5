"""Finds the runbook that a report links to; a link decides which runbook applies."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from features.domain.report import IncidentReport
from features.domain.runbook import Runbook
from models.runbooks.page_outline import row_at, section_at
from models.runbooks.runbook_index import RunbookIndex
from models.runbooks.section_choice import ChosenPart
from models.runbooks.web_addresses import (
    WebAddress,
    is_page,
    other_addresses,
    parse_address,
    path_segments,
    shared_end,
)

_URL = re.compile(r"https?://[^\s<>\"'`\])}]{4,500}", re.IGNORECASE)
_ABOUT_RUNBOOKS = re.compile(r"run-?_?book|play-?_?book|procedure|\bsop\b", re.IGNORECASE)
_LONGEST_READ = 20_000
_GENERIC_NAMES = frozenset(("index", "readme", "runbook", "runbooks", "playbook", "playbooks"))


@dataclass(frozen=True, slots=True)
class Link:
    """A report's link to the runbook in a row of the index, at `start` to `end` of a field.

    `address` is the link as the report gives it; `anchor` is what follows its `#`.
    """

    row: int
    field: str
    start: int
    end: int
    address: str = ""
    anchor: str = ""


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
    end: the address matches the runbooks with the largest number of equal segments. Another
    address in a runbook's front matter counts as its path. The query and the anchor of an address
    do not count, except to choose between pages that both match.
    """
    for found in _addresses(report):
        address = parse_address(found.text)
        rows = _narrowed(_rows_by_url(address, index), address, index)
        if not rows and found.is_about_runbooks:
            rows = _rows_by_path(address, index)
        if len(rows) == 1:
            end = found.start + len(found.text)
            return Link(rows[0], found.field, found.start, end, found.text, address.anchor)
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


def _rows_by_url(address: WebAddress, index: RunbookIndex) -> list[int]:
    """Return the rows of the runbooks that have an address, the same query before any other."""
    urls = [
        (row, url)
        for row, runbook in enumerate(index.runbooks)
        for url in (runbook.url, *other_addresses(runbook))
        if url and "://" in url and is_page(address, url)
    ]
    sizes = {row: len(parse_address(url).query) for row, url in urls}
    return [row for row, size in sizes.items() if size == max(sizes.values())]


def _rows_by_path(address: WebAddress, index: RunbookIndex) -> list[int]:
    """Return the rows of the runbooks whose paths end like an address in the most segments.

    If no path ends like the page, the anchor is compared as if it were the end of the path.
    """
    rows = _rows_by_segments(address.segments, address, index)
    if rows or not address.anchor:
        return rows
    rows = _rows_by_segments([*address.segments, *path_segments(address.anchor)], address, index)
    return rows or [
        row
        for row, runbook in enumerate(index.runbooks)
        if not path_segments(runbook.id) and _has_anchor(runbook, address.anchor)
    ]


def _rows_by_segments(segments: list[str], address: WebAddress, index: RunbookIndex) -> list[int]:
    if not segments or segments[-1] in _GENERIC_NAMES:
        return []
    counts = [
        max(
            shared_end(segments, path_segments(runbook.id)),
            *(_whole_end(segments, path_segments(other)) for other in other_addresses(runbook)),
            0,
        )
        for runbook in index.runbooks
    ]
    most = max(counts, default=0)
    return _narrowed(
        [row for row, count in enumerate(counts) if count == most and most > 0], address, index
    )


def _whole_end(segments: list[str], other: list[str]) -> int:
    """Return the number of segments of another path that an address ends with as a whole."""
    return len(other) if other and segments[-len(other) :] == other else 0


def _narrowed(rows: list[int], address: WebAddress, index: RunbookIndex) -> list[int]:
    """Of several pages, return those with the section that the address names, if there are any."""
    if len(rows) < 2 or not address.anchor:
        return rows
    own = [
        row
        for row in rows
        if parse_address(index.runbooks[row].url or "").anchor.lower() == address.anchor.lower()
    ]
    named = [row for row in rows if _has_anchor(index.runbooks[row], address.anchor)]
    return own or named or rows


def _has_anchor(runbook: Runbook, anchor: str) -> bool:
    return section_at(runbook, anchor) is not None or row_at(runbook, anchor) is not None


def part_url(runbook: Runbook, part: ChosenPart | None, link: Link | None) -> str | None:
    """Return the address of a runbook, or of the part of it that a report is about.

    Without an address of its own, a runbook has the one that the report gives.
    """
    given = link.address if link is not None and _URL.fullmatch(link.address) else ""
    page = runbook.url or given
    if not page or part is None:
        return page or None
    anchor = part.anchor
    if link is not None and given and is_page(parse_address(given), page):
        is_named = section_at(runbook, link.anchor) == part.sections.start
        anchor = link.anchor if is_named else anchor
    return f"{page.partition('#')[0]}#{anchor}" if anchor else page
