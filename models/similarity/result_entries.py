"""Entries of similar incidents: what fixed them, how long it took, and why they match."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.search.candidates import IndexStatistics
from features.text.error_signatures import error_signatures
from features.text.resolutions import FIX_NOT_RECORDED, named_fix
from features.text.tokens import term_ids, terms_of
from models.base.predictions import OpenMatch, SimilarIncident

STILL_OPEN = "still open"

_RESOLVERS = ("resolved_by", "closed_by", "assignee", "assigned_to")
_SHOWN_WORDS = 4
_LONGEST_READ = 20_000
_MOST_REASONS = 8
_LONGEST_REASON = 200
_SHOWN_SIGNATURES = 2
_RARE_SHARE = 0.05
_SHOWN_TITLE = 200


class PastRecords(Protocol):
    """Where a search looks up the incidents that the index found."""

    def find(self, ids: Sequence[str]) -> Mapping[str, ResolvedIncident]:
        """Return the incidents with these ids, by id; ids without an incident are left out."""

    def members(self, id: str) -> int:  # noqa: A002
        """Return the number of known duplicates of an incident, plus one for the incident."""

    def dismissed(self, id: str) -> Collection[str]:  # noqa: A002
        """Return the ids of incidents that people marked as unrelated to this one."""


class ListedRecords:
    """Past incidents from a list.

    >>> ListedRecords([ResolvedIncident(IncidentReport(id="A"), Outcome())]).members("A")
    1
    """

    def __init__(self, incidents: Sequence[ResolvedIncident]) -> None:
        self._incidents = {incident.report.id: incident for incident in incidents}

    def find(self, ids: Sequence[str]) -> Mapping[str, ResolvedIncident]:
        """Return the listed incidents with these ids."""
        return {id: self._incidents[id] for id in ids if id in self._incidents}  # noqa: A001

    def members(self, id: str) -> int:  # noqa: A002
        """Return the number of listed duplicates of an incident, plus one for the incident."""
        incidents = self._incidents.values()
        return 1 + sum(incident.outcome.duplicate_of == id for incident in incidents)

    def dismissed(self, id: str) -> Collection[str]:  # noqa: A002, ARG002
        """Return no ids, because a list of incidents has no feedback."""
        return ()


def write_entry(
    past: ResolvedIncident,
    relatedness: float,
    copies: Sequence[str],
    why: Sequence[str],
) -> SimilarIncident:
    """Return the search result's entry for a past incident."""
    report, outcome = past.report, past.outcome
    fix = named_fix(outcome.resolution)
    return SimilarIncident(
        id=report.id,
        title=shown_title(report),
        relatedness=relatedness,
        why=tuple(why),
        resolution=fix or (STILL_OPEN if outcome.is_open else FIX_NOT_RECORDED),
        has_fix=fix is not None,
        opened_at=report.opened_at,
        resolved_at=outcome.resolved_at,
        resolved_by=_resolver(outcome),
        hours_to_resolve=_hours(report.opened_at, outcome.resolved_at),
        copies=tuple(copies),
    )


def write_open_match(
    past: ResolvedIncident, relatedness: float, members: int, why: Sequence[str]
) -> OpenMatch | None:
    """Return a past incident as an open match; None if its opening time is unknown."""
    if past.report.opened_at is None:
        return None
    return OpenMatch(
        id=past.report.id,
        title=shown_title(past.report),
        relatedness=relatedness,
        opened_at=past.report.opened_at,
        members=members,
        why=tuple(why),
    )


def shown_title(report: IncidentReport) -> str:
    """Return the title, or the beginning of the description's first line if there is no title."""
    return report.title or report.description[:_SHOWN_TITLE].partition("\n")[0]


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A report with its text, terms and error signatures, for comparisons with past reports."""

    report: IncidentReport
    text: str
    terms: tuple[str, ...]
    signatures: frozenset[str]


def parse_query(report: IncidentReport) -> ParsedQuery:
    """Return a report's parts, to compute them only once for all past reports."""
    text = _text_of(report)
    return ParsedQuery(report, text, tuple(dict.fromkeys(terms_of(text))), error_signatures(text))


def match_reasons(query: ParsedQuery, past: IncidentReport, common: IndexStatistics) -> list[str]:
    """Return short reasons why a report and a past report match, the strongest first."""
    report = query.report
    shared = sorted(query.signatures & error_signatures(_text_of(past)))[:_SHOWN_SIGNATURES]
    reasons = [f"same error: {name}" for name in shared]
    if report.title and report.title.casefold() == past.title.casefold():
        reasons.append("same title")
    words = _shared_rare_words(query, past, common)
    if words:
        reasons.append(f"both say: {', '.join(words)}")
    if report.service and past.service and report.service.lower() == past.service.lower():
        reasons.append(f"same service: {past.service}")
    reasons += [
        f"same {name}: {value}"
        for name, value in report.attributes.items()
        if past.attributes.get(name, "").lower() == value.lower()
    ]
    return [reason[:_LONGEST_REASON] for reason in reasons[:_MOST_REASONS]] or ["similar wording"]


def _text_of(report: IncidentReport) -> str:
    return f"{report.title}\n{report.description}"[:_LONGEST_READ]


def _shared_rare_words(
    query: ParsedQuery, past: IncidentReport, common: IndexStatistics
) -> list[str]:
    past_terms = set(terms_of(_text_of(past)))
    shared = [term for term in query.terms if term in past_terms]
    counts = common.text_terms[term_ids(shared)].tolist()
    most = max(3, _RARE_SHARE * common.count)
    rare = sorted(
        (count, term) for count, term in zip(counts, shared, strict=True) if count <= most
    )
    words = (_as_written(term, query.text) for _, term in rare[: 2 * _SHOWN_WORDS])
    return list(dict.fromkeys(words))[:_SHOWN_WORDS]


def _as_written(term: str, text: str) -> str:
    """Return the first word in the text that begins with the stemmed term, else the term."""
    word = re.search(rf"\b{re.escape(term)}\w*", text, re.IGNORECASE)
    return word[0].lower() if word else term


def _resolver(outcome: Outcome) -> str | None:
    resolvers = (outcome.fields.get(field) for field in _RESOLVERS)
    return next((resolver for resolver in resolvers if resolver), outcome.assignment)


def _hours(opened_at: datetime | None, resolved_at: datetime | None) -> float | None:
    if opened_at is None or resolved_at is None or resolved_at < opened_at:
        return None
    return round((resolved_at - opened_at).total_seconds() / 3600, 1)
