"""Reads the demo company's data files: services, people, phrases and kinds of incident."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent

_VOICES = {"portal": "person", "mail": "person", "phone": "person", "monitoring": "alert"}


@dataclass(frozen=True, slots=True)
class CompanyFacts:
    """The content of `company.json`: services with their dependencies, sites, people and phrases.

    `scopes` holds sentences by language for each scope, from one person to everybody. `layouts`
    holds the templates by which each source combines the parts of a title and of a text.
    """

    severity_levels: Sequence[str]
    dependencies: Mapping[str, Sequence[str]]
    sites: Sequence[str]
    people: Sequence[str]
    alert_levels: Sequence[str]
    scopes: Sequence[Mapping[str, Sequence[str]]]
    phrases: Mapping[str, Sequence[str]]
    layouts: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class ReportTemplate:
    """Templates of a title and a text for one kind of incident, as one `voice` writes them.

    The voice is `person`, `engineer`, `alert` or `german`; `german` is a person who writes German.
    `fix`, if given, replaces the fixes of the kind.
    """

    kind: str
    voice: str
    title: str
    text: str
    fix: str | None = None


@dataclass(frozen=True, slots=True)
class IncidentKind:
    """One kind of incident: its labels, its fixes, and how it is reported.

    `sources` holds the relative frequency of each source. `rank` is the usual severity, where 0 is
    the least severe. `scopes` are the possible scopes, as indices of the company's scopes.
    `runbook` is None if there is no runbook for the kind.
    """

    name: str
    service: str
    host: str
    category: str
    assignment: str
    rank: int
    scopes: Sequence[int]
    sources: Mapping[str, int]
    runbook: str | None
    fixes: Sequence[str]
    templates: Sequence[ReportTemplate]

    def reports_of(self, source: str) -> Sequence[ReportTemplate]:
        """Return the templates that fit a source such as `portal`, or `german`."""
        voice = _VOICES.get(source, source)
        return [template for template in self.templates if template.voice == voice]


def read_company() -> CompanyFacts:
    """Read `company.json`."""
    return CompanyFacts(**json.loads((DATA / "company.json").read_text(encoding="utf-8")))


def read_kinds() -> tuple[IncidentKind, ...]:
    """Read `kinds.jsonl`, each kind with its templates from `reports.jsonl`."""
    templates = [ReportTemplate(**row) for row in _read_rows("reports.jsonl")]
    return tuple(
        IncidentKind(**row, templates=[t for t in templates if t.kind == row["name"]])
        for row in _read_rows("kinds.jsonl")
    )


def _read_rows(name: str) -> list[dict[str, Any]]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]
