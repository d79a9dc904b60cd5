"""Finds the open incident that a report probably duplicates."""

from collections.abc import Collection
from datetime import UTC, datetime

from features.domain.report import IncidentReport, ResolvedIncident
from features.search.candidates import UNKNOWN_TIME
from models.base.predictions import OpenMatch
from models.similarity.match_reasons import ParsedQuery, match_reasons, sentences
from models.similarity.related_candidates import RelatedCandidates
from models.similarity.result_entries import PastRecords, write_open_match

_OPEN_SECONDS = 14 * 24 * 3600


def find_open_match(
    related: RelatedCandidates,
    query: ParsedQuery,
    records: PastRecords,
    dismissed: Collection[str],
) -> OpenMatch | None:
    """Return the most related open incident that was opened before the report; None if none was.

    Only candidates that were opened within the 14 days before the report are considered.
    """
    for row in related.rows:
        if related.relatedness[row] < related.cutoff:
            break
        incident = _open_incident(related, row, records)
        if incident is None or incident.report.id in dismissed:
            continue
        match = write_open_match(
            incident,
            relatedness=float(related.relatedness[row]),
            members=records.members(incident.report.id),
            why=sentences(match_reasons(query, incident.report)),
        )
        if match is not None:
            return match
    return None


def _open_incident(
    related: RelatedCandidates, row: int, records: PastRecords
) -> ResolvedIncident | None:
    """Return a candidate's original incident, None if it cannot be an open match.

    The original is the incident that the candidate duplicates, or else the candidate itself. Both
    must be open, the candidate must be recent, and the original must be earlier than the report.
    """
    candidates, report_opened = related.candidates, related.view.opened
    if not candidates.is_open[row] or candidates.opened[row] == UNKNOWN_TIME:
        return None
    if report_opened is None:
        report_opened = int(datetime.now(UTC).timestamp())
    if report_opened - candidates.opened[row] > _OPEN_SECONDS:
        return None
    original = _find_original(candidates.ids[row], records)
    if original is None or not original.outcome.is_open:
        return None
    return original if _is_earlier(original.report, related.report) else None


def _is_earlier(past: IncidentReport, report: IncidentReport) -> bool:
    """Tell whether a past incident was opened before a report, or may have been (unknown time)."""
    if past.id == report.id:
        return False
    if past.opened_at is None or report.opened_at is None:
        return True
    return past.opened_at < report.opened_at


def _find_original(id: str, records: PastRecords) -> ResolvedIncident | None:  # noqa: A002
    """Follow `duplicate_of` links from an incident; return the last one, None for an unknown id.

    Without a link to a known incident, the result is the incident itself. If the links form a
    circle, the last incident is the one before the first repetition.
    """
    visited, incident = {id}, records.find([id]).get(id)
    while incident is not None:
        link = incident.outcome.duplicate_of
        original = None if link is None or link in visited else records.find([link]).get(link)
        if original is None:
            break
        visited.add(original.report.id)
        incident = original
    return incident
