"""Incidents that recur without a runbook, each with a draft of the one that is missing."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import yaml
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from features.domain.report import IncidentReport, ResolvedIncident
from features.formatting import cut_short, one_line
from features.text.cleaning import clean_text, incident_text
from features.text.error_signatures import error_signatures
from features.text.near_duplicates import near_copy_groups
from features.text.resolutions import named_fix
from features.text.variable_masking import mask_variables

_MOST_GAPS = 100
_MOST_SHOWN = 10
_MOST_NAMED = 3
_LONGEST_TITLE = 120
_LONGEST_LINE = 400


@dataclass(frozen=True, slots=True)
class Gap:
    """A kind of incident that recurs and has no runbook; `draft` is Markdown to begin one with.

    `incident_ids` are in the order of their opening, `first_at` and `last_at` None without times.
    """

    title: str
    incident_ids: tuple[str, ...]
    count: int
    first_at: datetime | None
    last_at: datetime | None
    draft: str


def find_gaps(
    incidents: Sequence[ResolvedIncident],
    *,
    has_runbook: Callable[[IncidentReport], bool] = lambda _: False,
    least: int,
) -> tuple[Gap, ...]:
    """Return what recurred at least so often without a runbook, the most frequent first.

    Incidents are of one kind when they are near-copies, or share title or error signature, with
    hosts, numbers and the like masked. A kind of which one incident names a runbook is no gap, nor
    one of which `has_runbook` says so for the newest report.
    """
    found = []
    for rows in _recurring(incidents, least):
        kind = sorted((incidents[row] for row in rows), key=_opening)
        if any(one.outcome.runbook_id for one in kind) or has_runbook(kind[-1].report):
            continue
        found.append(_gap(kind))
    return tuple(sorted(found, key=lambda gap: (-gap.count, gap.title))[:_MOST_GAPS])


def _recurring(incidents: Sequence[ResolvedIncident], least: int) -> Iterator[list[int]]:
    texts = [mask_variables(incident_text(one.report)) for one in incidents]
    keys = [
        [f"copy {group}" for group in near_copy_groups(texts).tolist()],
        [_title_key(one.report) for one in incidents],
        [_signature_key(one.report) for one in incidents],
    ]
    members: dict[int, list[int]] = {}
    for row, group in enumerate(_joined(keys, len(incidents))):
        members.setdefault(group, []).append(row)
    yield from (rows for rows in members.values() if len(rows) >= least)


def _joined(keys: Sequence[Sequence[str]], count: int) -> list[int]:
    """Number the rows so that rows with one key in common share a number; "" is no key."""
    links: list[tuple[int, int]] = []
    for each in keys:
        first: dict[str, int] = {}
        links += [(row, first.setdefault(key, row)) for row, key in enumerate(each) if key]
    if not links:
        return list(range(count))
    rows, others = np.array(links, dtype=np.int64).T
    graph = coo_array((np.ones(len(rows)), (rows, others)), shape=(count, count))
    return [int(group) for group in connected_components(graph, directed=False)[1]]


def _title_key(report: IncidentReport) -> str:
    words = mask_variables(clean_text(report.title)).lower().split()
    return " ".join(words) if len(words) > 1 or any(len(word) > 7 for word in words) else ""


def _signature_key(report: IncidentReport) -> str:
    """Return errors with their service; one code alone, such as HTTP 503, is of many kinds."""
    errors = sorted(error_signatures(f"{report.title}\n{report.description}"))
    return " ".join([report.service or "", *errors]) if len(errors) > (not report.service) else ""


def _opening(incident: ResolvedIncident) -> tuple[bool, float, str]:
    opened = incident.report.opened_at
    return (opened is not None, opened.timestamp() if opened else 0.0, incident.report.id)


def _gap(kind: Sequence[ResolvedIncident]) -> Gap:
    opened = [one.report.opened_at for one in kind if one.report.opened_at is not None]
    title = _most_frequent(_line(one.report.title, _LONGEST_TITLE) for one in kind)
    title = title or _line(kind[-1].report.description, _LONGEST_TITLE) or "Untitled"
    return Gap(
        title=title,
        incident_ids=tuple(one.report.id for one in kind),
        count=len(kind),
        first_at=min(opened, default=None),
        last_at=max(opened, default=None),
        draft=_draft(title, kind, opened),
    )


def _draft(title: str, kind: Sequence[ResolvedIncident], opened: Sequence[datetime]) -> str:
    ids = [one.report.id for one in kind[-_MOST_SHOWN:]]
    facts = yaml.safe_dump({"title": title, "incidents": ids}, allow_unicode=True, sort_keys=False)
    parts = {
        "Meaning": [
            _line(kind[-1].report.description, _LONGEST_LINE) or title,
            _when(opened, kind),
        ],
        "Impact": _impact(kind),
        "Diagnosis": _diagnosis(kind),
        "Mitigation": _mitigation(kind),
    }
    sections = (f"## {heading}\n\n" + "\n".join(lines) for heading, lines in parts.items())
    return f"---\n{facts}---\n\n" + "\n\n".join([f"# {title}", *sections]) + "\n"


def _when(opened: Sequence[datetime], kind: Sequence[ResolvedIncident]) -> str:
    if not opened:
        return f"Seen {len(kind)} times."
    return f"Seen {len(kind)} times from {min(opened):%Y-%m-%d} to {max(opened):%Y-%m-%d}."


def _impact(kind: Sequence[ResolvedIncident]) -> list[str]:
    services = _most_named(one.report.service for one in kind)
    levels = _most_named(one.outcome.severity for one in kind)
    lines = [f"Services so far: {', '.join(services)}."] if services else []
    lines += [f"Severity so far: {', '.join(levels)}."] if levels else []
    return lines or ["Not known yet: say who notices, and how soon."]


def _diagnosis(kind: Sequence[ResolvedIncident]) -> list[str]:
    errors = _most_named(
        name
        for one in kind
        for name in error_signatures(f"{one.report.title}\n{one.report.description}")
    )
    newest = ", ".join(one.report.id for one in kind[-_MOST_NAMED:])
    return [f"- Look for {_line(name, _LONGEST_TITLE)}." for name in errors] + [
        f"- Compare with the latest ones: {newest}."
    ]


def _mitigation(kind: Sequence[ResolvedIncident]) -> list[str]:
    fixes: dict[str, list[str]] = {}
    for one in kind:
        fix = named_fix(one.outcome.resolution)
        if fix is not None:
            fixes.setdefault(_line(fix, _LONGEST_LINE), []).append(one.report.id)
    often = sorted(fixes.items(), key=lambda each: -len(each[1]))[:_MOST_SHOWN]
    steps = [
        f"{place}. {fix} ({', '.join(ids[-_MOST_NAMED:])})"
        for place, (fix, ids) in enumerate(often, start=1)
    ]
    return steps or ["No fix was recorded: ask who resolved the latest ones."]


def _most_named(names: Iterator[str | None]) -> list[str]:
    counts = Counter(name for name in names if name)
    return [name for name, _ in counts.most_common(_MOST_NAMED)]


def _most_frequent(lines: Iterator[str]) -> str:
    return next((line for line, _ in Counter(filter(None, lines)).most_common(1)), "")


def _line(text: str, longest: int) -> str:
    """Return a text as one line, so that nothing in it can open a heading or a fence."""
    return cut_short(one_line(text).lstrip("#>-=+*`~ "), longest)
