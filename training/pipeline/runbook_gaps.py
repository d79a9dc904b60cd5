"""Finds kinds of incidents that recur without a runbook, and drafts the missing runbooks."""

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

_MAX_GAPS = 100
_MAX_SHOWN = 10
_MAX_NAMES = 3
_MAX_TITLE = 120
_MAX_LINE = 400


@dataclass(frozen=True, slots=True)
class Gap:
    """A kind of incident that recurs and has no runbook; `draft` is a first draft in Markdown.

    `incident_ids` are in order of opening; `first_at` and `last_at` are None without times.
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
    """Return the kinds that recur at least `least` times and have no runbook, by falling count.

    Incidents are of one kind if they are near-copies, if they have the same title after variable
    parts such as hosts and numbers are masked, or if they have the same service and the same error
    signatures (without a service, at least two). A kind has a runbook if
    one of its incidents names a runbook, or if `has_runbook` is true for its newest report.
    """
    gaps = []
    for rows in _recurring_kinds(incidents, least):
        kind = sorted((incidents[row] for row in rows), key=_opening_order)
        names_runbook = any(incident.outcome.runbook_id for incident in kind)
        if not names_runbook and not has_runbook(kind[-1].report):
            gaps.append(_gap(kind))
    return tuple(sorted(gaps, key=lambda gap: (-gap.count, gap.title))[:_MAX_GAPS])


def _recurring_kinds(incidents: Sequence[ResolvedIncident], least: int) -> Iterator[list[int]]:
    texts = [mask_variables(incident_text(incident.report)) for incident in incidents]
    keys = [
        [f"copy {group}" for group in near_copy_groups(texts).tolist()],
        [_title_key(incident.report) for incident in incidents],
        [_signature_key(incident.report) for incident in incidents],
    ]
    rows_by_kind: dict[int, list[int]] = {}
    for row, kind in enumerate(_group_by_keys(keys, len(incidents))):
        rows_by_kind.setdefault(kind, []).append(row)
    yield from (rows for rows in rows_by_kind.values() if len(rows) >= least)


def _group_by_keys(keys: Sequence[Sequence[str]], count: int) -> list[int]:
    """Return each row's group number: rows with a common key are in one group; "" is no key."""
    links: list[tuple[int, int]] = []
    for row_keys in keys:
        first_rows: dict[str, int] = {}
        links += [(row, first_rows.setdefault(key, row)) for row, key in enumerate(row_keys) if key]
    if not links:
        return list(range(count))
    rows, linked_rows = np.array(links, dtype=np.int64).T
    graph = coo_array((np.ones(len(rows)), (rows, linked_rows)), shape=(count, count))
    return [int(group) for group in connected_components(graph, directed=False)[1]]


def _title_key(report: IncidentReport) -> str:
    words = mask_variables(clean_text(report.title)).lower().split()
    return " ".join(words) if len(words) > 1 or any(len(word) > 7 for word in words) else ""


def _signature_key(report: IncidentReport) -> str:
    """Return the service and the error signatures; "" if these do not identify a kind.

    There must be at least one signature, and without a service at least two, since a single error
    such as HTTP 503 occurs in many kinds of incidents.
    """
    errors = sorted(error_signatures(f"{report.title}\n{report.description}"))
    return " ".join([report.service or "", *errors]) if len(errors) > (not report.service) else ""


def _opening_order(incident: ResolvedIncident) -> tuple[bool, float, str]:
    opened_at = incident.report.opened_at
    return (opened_at is not None, opened_at.timestamp() if opened_at else 0.0, incident.report.id)


def _gap(kind: Sequence[ResolvedIncident]) -> Gap:
    times = [incident.report.opened_at for incident in kind if incident.report.opened_at]
    title = _most_frequent(_line(incident.report.title, _MAX_TITLE) for incident in kind)
    title = title or _line(kind[-1].report.description, _MAX_TITLE) or "Untitled"
    return Gap(
        title=title,
        incident_ids=tuple(incident.report.id for incident in kind),
        count=len(kind),
        first_at=min(times, default=None),
        last_at=max(times, default=None),
        draft=_draft(title, kind, times),
    )


def _draft(title: str, kind: Sequence[ResolvedIncident], times: Sequence[datetime]) -> str:
    ids = [incident.report.id for incident in kind[-_MAX_SHOWN:]]
    front_matter = yaml.safe_dump(
        {"title": title, "incidents": ids}, allow_unicode=True, sort_keys=False
    )
    lines_by_heading = {
        "Meaning": [
            _line(kind[-1].report.description, _MAX_LINE) or title,
            _occurrences(kind, times),
        ],
        "Impact": _impact(kind),
        "Diagnosis": _diagnosis(kind),
        "Mitigation": _mitigation(kind),
    }
    sections = (
        f"## {heading}\n\n" + "\n".join(lines) for heading, lines in lines_by_heading.items()
    )
    return f"---\n{front_matter}---\n\n" + "\n\n".join([f"# {title}", *sections]) + "\n"


def _occurrences(kind: Sequence[ResolvedIncident], times: Sequence[datetime]) -> str:
    if not times:
        return f"Occurred {len(kind)} times."
    return f"Occurred {len(kind)} times from {min(times):%Y-%m-%d} to {max(times):%Y-%m-%d}."


def _impact(kind: Sequence[ResolvedIncident]) -> list[str]:
    services = _most_frequent_names(incident.report.service for incident in kind)
    levels = _most_frequent_names(incident.outcome.severity for incident in kind)
    lines = [f"Services so far: {', '.join(services)}."] if services else []
    lines += [f"Severity so far: {', '.join(levels)}."] if levels else []
    return lines or ["Not known yet: write who is affected, and how soon they notice."]


def _diagnosis(kind: Sequence[ResolvedIncident]) -> list[str]:
    errors = _most_frequent_names(
        name
        for incident in kind
        for name in error_signatures(f"{incident.report.title}\n{incident.report.description}")
    )
    newest = ", ".join(incident.report.id for incident in kind[-_MAX_NAMES:])
    return [f"- Look for {_line(name, _MAX_TITLE)}." for name in errors] + [
        f"- Compare with the latest incidents: {newest}."
    ]


def _mitigation(kind: Sequence[ResolvedIncident]) -> list[str]:
    ids_by_fix: dict[str, list[str]] = {}
    for incident in kind:
        fix = named_fix(incident.outcome.resolution)
        if fix is not None:
            ids_by_fix.setdefault(_line(fix, _MAX_LINE), []).append(incident.report.id)
    fixes = sorted(ids_by_fix.items(), key=lambda item: -len(item[1]))[:_MAX_SHOWN]
    steps = [
        f"{number}. {fix} ({', '.join(ids[-_MAX_NAMES:])})"
        for number, (fix, ids) in enumerate(fixes, start=1)
    ]
    return steps or ["No fix was recorded: ask the people who resolved the latest incidents."]


def _most_frequent_names(names: Iterator[str | None]) -> list[str]:
    counts = Counter(name for name in names if name)
    return [name for name, _ in counts.most_common(_MAX_NAMES)]


def _most_frequent(lines: Iterator[str]) -> str:
    return next((line for line, _ in Counter(filter(None, lines)).most_common(1)), "")


def _line(text: str, max_length: int) -> str:
    """Return a text as one line that cannot open a Markdown heading, bullet list or code block."""
    return cut_short(one_line(text).lstrip("#>-=+*`~ "), max_length)
