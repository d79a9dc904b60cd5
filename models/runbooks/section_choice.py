"""Chooses the part of a runbook that a report is about: a section, or a row of a table."""

import re
from dataclasses import dataclass
from math import log1p

from features.domain.report import IncidentReport
from features.domain.runbook import Runbook, TableRow
from features.text.tokens import plain_name
from models.runbooks.page_outline import PageTopics, ancestors, row_at, section_at, subtree
from models.runbooks.passages import RunbookQuery
from models.runbooks.section_names import is_identifier, names_a_subject, names_in, section_names

_CODE = re.compile(r"[\w.-]*\d[\w.-]*")
_IDENTIFIER = re.compile(r"\b\w{6,120}\b")
_LONGEST_READ = 20_000
_CLEAR_LEAD = 1.5
_HEADING_FACTOR = 2.0
_FEWEST_TERMS = 2


@dataclass(frozen=True, slots=True)
class ChosenPart:
    """The part of a runbook that a report is about: its steps, and why it was chosen.

    `sections` are the places of the section and its subsections in the runbook. `anchor` is what
    a link to the section ends with, empty if no link can point to it.
    """

    sections: range
    steps: tuple[str, ...]
    anchor: str
    why: str


def choose_part(
    report: IncidentReport,
    query: RunbookQuery,
    runbook: Runbook,
    topics: PageTopics,
    anchor: str = "",
) -> ChosenPart | None:
    """Return the part of a runbook that a report is about, None if it is about the whole page.

    The anchor of the report's link counts first, then a heading or a row with the name of the
    alert, then the words of the sections.
    """
    linked = section_at(runbook, anchor) if anchor else None
    linked_row = row_at(runbook, anchor) if anchor and linked is None else None
    if linked_row is not None:
        return _row_part(runbook, *linked_row, "the link names it")
    scope = range(len(runbook.sections)) if linked is None else subtree(runbook, linked)
    row = _named_row(report, query, runbook, scope)
    named = _named_section(report, query, runbook, scope)
    if named is not None and named != linked and (row is None or runbook.sections[named].steps):
        return _part(runbook, topics, named, "its heading is the alert's name")
    if row is not None:
        return _row_part(runbook, *row, "it has the alert's name")
    if linked is not None:
        return _part(runbook, topics, linked, "the link names it")
    by_words = _section_by_words(query, runbook, topics)
    return None if by_words is None else _part(runbook, topics, by_words, "its words fit best")


def _part(runbook: Runbook, topics: PageTopics, place: int, reason: str) -> ChosenPart:
    """Return a section; one about a role, such as `Meaning`, may have the steps around it."""
    around = ancestors(runbook, place)
    is_among_others = len(topics.places) > 1
    steps = runbook.steps
    for n in around:
        section = runbook.sections[n]
        if section.steps or (is_among_others and names_a_subject(section.heading)):
            steps = section.steps
            break
    why = f"section {runbook.sections[place].heading}: {reason}"
    return ChosenPart(subtree(runbook, place), steps, _anchor_of(runbook, place), why)


def _row_part(runbook: Runbook, place: int, row: TableRow, reason: str) -> ChosenPart:
    why = f"row {row.key} of the table: {reason}"
    return ChosenPart(subtree(runbook, place), (row.step,), _anchor_of(runbook, place), why)


def _anchor_of(runbook: Runbook, place: int) -> str:
    """Return the anchor of a section, or of the one around it; empty if there is none."""
    anchors = (runbook.sections[n].anchors for n in ancestors(runbook, place))
    return next((names[0] for names in anchors if names), "")


def _said_names(report: IncidentReport, query: RunbookQuery) -> frozenset[str]:
    """Return the names in a report's title and facts, and identifiers in its description."""
    identifiers = (
        word
        for word in _IDENTIFIER.findall(report.description[:_LONGEST_READ])
        if is_identifier(word)
    )
    return query.names.union(query.full_names, map(plain_name, identifiers))


def _named_section(
    report: IncidentReport, query: RunbookQuery, runbook: Runbook, scope: range
) -> int | None:
    """Return the section whose heading is a name in the report; one with steps comes first."""
    for names in (query.names | query.full_names, _said_names(report, query)):
        named = [
            n
            for n in scope
            if runbook.sections[n].heading and names & section_names(runbook.sections[n])
        ]
        named = [n for n in named if _is_part_of_page(runbook, n)]
        if named:
            return max(named, key=lambda n: (bool(runbook.sections[n].steps), -n))
    return None


def _is_part_of_page(runbook: Runbook, place: int) -> bool:
    """Return whether a section is less than the whole page, as the section of the title is."""
    others = len(runbook.sections) - len(subtree(runbook, place))
    before = runbook.sections[:place]
    return others > sum(not other.heading for other in before)


def _named_row(
    report: IncidentReport, query: RunbookQuery, runbook: Runbook, scope: range
) -> tuple[int, TableRow] | None:
    rows = [(n, row) for n in scope for row in runbook.sections[n].rows]
    if not rows:
        return None
    names = _said_names(report, query)
    named = next(((n, row) for n, row in rows if names & names_in(row.key)), None)
    if named is not None:
        return named
    said = " ".join((report.title, *report.attributes.values(), report.description))[:_LONGEST_READ]
    codes = {code.lower().strip(".-") for code in _CODE.findall(said)}
    with_code = [(n, row) for n, row in rows if _code_of(row.key) in codes]
    return with_code[0] if len(with_code) == 1 else None


def _code_of(key: str) -> str | None:
    """Return the error code that a key is, such as `E12`; None if it is no single code."""
    bare = key.strip().strip(".-").lower()
    is_code = _CODE.fullmatch(bare) is not None and not bare.isdigit() and len(bare) > 1
    return bare if is_code else None


def _section_by_words(query: RunbookQuery, runbook: Runbook, topics: PageTopics) -> int | None:
    """Return the section that clearly shares most with a report, of a page about several topics."""
    if len(topics.places) < 2:
        return None
    said = query.said
    scores = {
        n: sum(
            log1p(len(topics.places) / topics.holders[term] - 1)
            * (_HEADING_FACTOR if term in topics.heading_terms[n] else 1.0)
            for term in said & terms
        )
        for n, terms in topics.terms.items()
    }
    best, second = sorted(scores, key=lambda n: (-scores[n], n))[:2]
    if not scores[best] or scores[best] < _CLEAR_LEAD * scores[second]:
        return None
    heading_terms = topics.heading_terms[best]
    is_named = bool(heading_terms) and heading_terms <= said
    identifiers = sum(is_identifier(runbook.sections[n].heading) for n in topics.places)
    serves_alerts = identifiers * 2 > len(topics.places)
    shares_enough = len(said & topics.terms[best]) >= _FEWEST_TERMS
    return best if is_named or (serves_alerts and shares_enough) else None
