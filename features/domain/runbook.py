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
class Section:
    """A heading with the plain text and the commands below it."""

    heading: str
    text: str
    part: SectionRole = SectionRole.OTHER
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Runbook:
    """A runbook; its `id` is the path of its file below the folder, without `.md`.

    `facts` are the scalar values of the front matter. `steps` are what to do, in order, each a
    sentence or a command. `url` is the runbook's web page, None if only the file is known.

    >>> Runbook("vpn/tunnel-drops", "Tunnel drops").steps
    ()
    """

    id: str
    title: str
    sections: tuple[Section, ...] = ()
    steps: tuple[str, ...] = ()
    url: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
