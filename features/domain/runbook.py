"""A runbook: written instructions for a known kind of incident."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class SectionRole(StrEnum):
    """What a section of a runbook is about."""

    MEANING = "meaning"
    IMPACT = "impact"
    DIAGNOSIS = "diagnosis"
    MITIGATION = "mitigation"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a table: the cell that names it, and the row as one step."""

    key: str
    step: str


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with the plain text and the commands below it.

    `level` is the heading's level: 1 to 6, 7 for a bold line that serves as heading, 0 for text
    above the first heading. The subsections of a section follow it with larger levels. `anchors`
    are the names by which a link can point to the heading, the usual one first. `steps` are those
    of the section with its subsections. `rows` are the rows of its tables.
    """

    heading: str
    text: str
    part: SectionRole = SectionRole.OTHER
    commands: tuple[str, ...] = ()
    level: int = 0
    anchors: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    rows: tuple[TableRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Runbook:
    """A runbook; its `id` is the path of its file below the folder, without `.md`.

    `facts` are the scalar values of the front matter, and its lists of other addresses with one
    address a line. `steps` are what to do, in order, each a sentence or a command. `url` is the
    runbook's web page, None if only the file is known.

    >>> Runbook("vpn/tunnel-drops", "Tunnel drops").steps
    ()
    """

    id: str
    title: str
    sections: tuple[Section, ...] = ()
    steps: tuple[str, ...] = ()
    url: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
