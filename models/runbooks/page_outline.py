"""The outline of a runbook: which section contains which, and which one an anchor names."""

import re
from collections import Counter
from collections.abc import Sequence

from features.domain.runbook import Runbook, Section, TableRow
from features.text.cleaning import split_camel_case
from features.text.tokens import plain_name, terms_of
from models.runbooks.section_names import names_a_subject

_PREFIXES = re.compile(r"^(?:user-content-|markdown-header-|_)+", re.IGNORECASE)
_LEAD = 7
_SHORTEST_KEY = 4


def section_at(runbook: Runbook, anchor: str) -> int | None:
    """Return the place of the section that an anchor names, None if no section has it.

    >>> section_at(Runbook("a", "A", (Section("Fix it", "", anchors=("fix-it",)),)), "Fix_it")
    0
    """
    bare = _PREFIXES.sub("", anchor)
    places = range(len(runbook.sections))
    exact = (n for n in places if bare in runbook.sections[n].anchors)
    wanted = plain_name(bare)
    loose = (
        n
        for n in places
        if wanted and wanted in {plain_name(name) for name in runbook.sections[n].anchors}
    )
    titled = (
        n
        for n in places
        if runbook.sections[n].anchors
        and wanted == plain_name(runbook.title) + plain_name(runbook.sections[n].heading)
    )
    return next((n for found in (exact, loose, titled) for n in found), None)


def row_at(runbook: Runbook, anchor: str) -> tuple[int, TableRow] | None:
    """Return the row that an anchor names, with the place of its section; None without one.

    The anchor may have words before the name of the row, as in `alert-name-disk-full`.
    """
    wanted = plain_name(_PREFIXES.sub("", anchor))
    rows = ((n, row) for n, section in enumerate(runbook.sections) for row in section.rows)
    keys = ((n, row, plain_name(row.key)) for n, row in rows)
    return next(
        ((n, row) for n, row, key in keys if len(key) >= _SHORTEST_KEY and wanted.endswith(key)),
        None,
    )


def ancestors(runbook: Runbook, place: int) -> list[int]:
    """Return the place of a section and those of the sections that contain it, outwards."""
    places = [place]
    level = runbook.sections[place].level
    for n in range(place - 1, -1, -1):
        if 0 < runbook.sections[n].level < level:
            places.append(n)
            level = runbook.sections[n].level
    return places


def subtree(runbook: Runbook, place: int) -> range:
    """Return the places of a section and of its subsections."""
    level = runbook.sections[place].level
    later = range(place + 1, len(runbook.sections))
    end = next((n for n in later if runbook.sections[n].level <= level), len(runbook.sections))
    return range(place, end)


class PageTopics:
    """The innermost sections of a page that have steps and a subject of their own, and their words.

    A heading such as `Mitigation` names a role and no subject. `holders` counts the sections that
    contain a term.

    >>> PageTopics(Runbook("a", "A", (Section("Disk full", "", level=2, steps=("Go.",)),))).places
    [0]
    """

    def __init__(self, runbook: Runbook) -> None:
        sections = runbook.sections
        subjects = [
            n
            for n, section in enumerate(sections)
            if section.steps and 0 < section.level < _LEAD and names_a_subject(section.heading)
        ]
        following = [*subjects[1:], len(sections)]
        self.places = [
            n
            for n, later in zip(subjects, following, strict=False)
            if later not in subtree(runbook, n)
        ]
        self.heading_terms = {
            n: frozenset(terms_of(split_camel_case(sections[n].heading))) for n in self.places
        }
        self.terms = {
            n: _terms_of_sections(sections[n : subtree(runbook, n).stop]) for n in self.places
        }
        self.holders = Counter(term for terms in self.terms.values() for term in terms)


def _terms_of_sections(sections: Sequence[Section]) -> frozenset[str]:
    texts = ("\n".join((section.heading, section.text, *section.commands)) for section in sections)
    return frozenset(terms_of("\n".join(texts)))
