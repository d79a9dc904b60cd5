"""Entries of similar incidents: what fixed them, how long it took, how often they occurred."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Protocol

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.text.resolutions import FIX_NOT_RECORDED, named_fix
from models.base.predictions import Occurrences, OpenMatch, Reason, SimilarIncident
from models.similarity.match_reasons import sentences

STILL_OPEN = "still open"

_RESOLVERS = ("resolved_by", "closed_by", "assignee", "assigned_to")
_SHOWN_TITLE = 200
_MOST_COPIES = 100


class PastRecords(Protocol):
    """Where a search looks up the incidents that the index found."""

    def one_state(self) -> AbstractContextManager[None]:
        """Let all look-ups of a block see one state of the incidents."""
        ...

    def find(self, ids: Sequence[str]) -> Mapping[str, ResolvedIncident]:
        """Return the incidents with these ids, by id; ids without an incident are left out."""

    def members(self, id: str) -> int:  # noqa: A002
        """Return the number of known duplicates of an incident, plus one for the incident."""

    def dismissed(self, ids: Sequence[str]) -> Mapping[str, Collection[str]]:
        """Return the ids of incidents that people marked as unrelated to these ones, by id."""


class ListedRecords:
    """Past incidents from a list.

    >>> ListedRecords([ResolvedIncident(IncidentReport(id="A"), Outcome())]).members("A")
    1
    """

    def __init__(self, incidents: Sequence[ResolvedIncident]) -> None:
        self._incidents = {incident.report.id: incident for incident in incidents}

    def one_state(self) -> AbstractContextManager[None]:
        """Return a block that changes nothing, because the list stays the same."""
        return nullcontext()

    def find(self, ids: Sequence[str]) -> Mapping[str, ResolvedIncident]:
        """Return the listed incidents with these ids."""
        return {id: self._incidents[id] for id in ids if id in self._incidents}  # noqa: A001

    def members(self, id: str) -> int:  # noqa: A002
        """Return the number of listed duplicates of an incident, plus one for the incident."""
        incidents = self._incidents.values()
        return 1 + sum(incident.outcome.duplicate_of == id for incident in incidents)

    def dismissed(self, ids: Sequence[str]) -> Mapping[str, Collection[str]]:  # noqa: ARG002
        """Return no ids, because a list of incidents has no feedback."""
        return {}


def write_entry(
    past: ResolvedIncident,
    relatedness: float,
    copies: Sequence[str],
    occurrences: Occurrences,
    reasons: tuple[Reason, ...],
) -> SimilarIncident:
    """Return the search result's entry for a past incident."""
    report, outcome = past.report, past.outcome
    fix = named_fix(outcome.resolution)
    return SimilarIncident(
        id=report.id,
        title=shown_title(report),
        relatedness=relatedness,
        why=sentences(reasons),
        resolution=fix or (STILL_OPEN if outcome.is_open else FIX_NOT_RECORDED),
        has_fix=fix is not None,
        opened_at=report.opened_at,
        resolved_at=outcome.resolved_at,
        resolved_by=_resolver(outcome),
        hours_to_resolve=_hours(report.opened_at, outcome.resolved_at),
        copies=tuple(copies[:_MOST_COPIES]),
        occurrences=occurrences,
        reasons=reasons,
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


def _resolver(outcome: Outcome) -> str | None:
    resolvers = (outcome.fields.get(field) for field in _RESOLVERS)
    return next((resolver for resolver in resolvers if resolver), outcome.assignment)


def _hours(opened_at: datetime | None, resolved_at: datetime | None) -> float | None:
    if opened_at is None or resolved_at is None or resolved_at < opened_at:
        return None
    return round((resolved_at - opened_at).total_seconds() / 3600, 1)
