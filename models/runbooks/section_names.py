"""The names of a runbook's sections and rows, by which a report can choose one of them."""

import re

from features.domain.runbook import Runbook, Section, SectionRole
from features.imports.runbooks.section_roles import heading_role
from features.text.tokens import plain_name

_COMPOUND = re.compile(r"\b(?=\w{0,60}[a-z0-9][A-Z]|\w{0,60}\w_\w)\w{6,120}\b")
_PREFIX = re.compile(
    r"^\W*(?:alert|alarm|error|incident|problem|issue|symptom|fehler|störung|runbook)s?\b\W*",
    re.IGNORECASE,
)
_REMARK = re.compile(r"\s*[(\[{][^()\[\]{}]{0,100}[)\]}]\s*$|\s+[-\u2013\u2014]\s.*$|:\s.*$")
_JOINT = re.compile(r"\s*(?:,|/|;|\||&|\n|\band\b|\bor\b|\bund\b|\boder\b)\s*")
_STATED = re.compile(
    r"^\W{0,5}alert(?:s| ?names?)?\W{0,5}:([^\n]{4,300})$", re.IGNORECASE | re.MULTILINE
)
_SHORTEST_NAME = 4
_LONGEST_HEADING = 300


def names_in(text: str) -> frozenset[str]:
    """Return the plain names that a heading or the first cell of a row gives.

    >>> sorted(names_in("Alert: QueueDiskFull (critical)"))
    ['alertqueuediskfullcritical', 'queuediskfull']
    """
    text = text[:_LONGEST_HEADING]
    bare = _REMARK.sub("", _PREFIX.sub("", text))
    names = [text, bare, *_COMPOUND.findall(text), *_JOINT.split(bare)]
    plain_names = (plain_name(name) for name in names)
    return frozenset(name for name in plain_names if len(name) >= _SHORTEST_NAME)


def section_names(section: Section) -> frozenset[str]:
    """Return the names in a section's heading, and those after `Alert:` in its text."""
    stated = (_COMPOUND.findall(match) for match in _STATED.findall(section.text))
    names = (plain_name(name) for found in stated for name in found)
    return names_in(section.heading).union(names)


def is_identifier(text: str) -> bool:
    """Return whether a heading is or contains a name such as `KubePodCrashLooping`."""
    return _COMPOUND.search(text[:_LONGEST_HEADING]) is not None


def names_a_subject(heading: str) -> bool:
    """Return whether a heading says what its section is about, and not only which role it has.

    >>> names_a_subject("KubeletDown"), names_a_subject("Mitigation")
    (True, False)
    """
    return is_identifier(heading) or heading_role(heading) is SectionRole.OTHER


def alert_names(runbook: Runbook) -> frozenset[str]:
    """Return the names of the sections about a subject, and of the rows of tables."""
    return frozenset().union(
        *(
            section_names(section)
            for section in runbook.sections
            if names_a_subject(section.heading)
        ),
        *(names_in(row.key) for section in runbook.sections for row in section.rows),
    )
