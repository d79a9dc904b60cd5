"""Merging updates into incidents: whose word counts, which time counts, what is kept."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from features.domain.report import IncidentReport, Outcome, ResolvedIncident, Status
from features.domain.tracking import Author, TrackedIncident, Tracking
from features.store.incidents.incident_update import (
    IncidentUpdate,
    given_in,
    is_outdated,
    merge_import,
    merge_update,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
OPENED = IncidentReport("1", NOON, "VPN down", "since noon", "vpn", "mail", {"site": "Graz"})


def update(
    *given: str,
    report: IncidentReport = OPENED,
    outcome: Outcome | None = None,
    author: Author = Author.SOURCE,
    updated_at: datetime | None = None,
) -> IncidentUpdate:
    return IncidentUpdate(
        report, outcome or Outcome(), frozenset(given), author, "", updated_at=updated_at
    )


def opened(outcome: Outcome | None = None, **tracking: object) -> TrackedIncident:
    return TrackedIncident(ResolvedIncident(OPENED, outcome or Outcome()), Tracking(**tracking))


def test_only_given_fields_change_and_one_without_a_value_is_erased() -> None:
    stored = opened(Outcome("Network", fields={"a": "1", "b": "2"}))
    said = IncidentReport("1", title="VPN is slow", attributes={"floor": "2"})
    given = ("title", "service", "attributes.floor", "fields.a", "fields.c")
    merged = merge_update(
        stored, update(*given, report=said, outcome=Outcome(fields={"c": "3"})), NOON
    )
    assert merged.incident.report == replace(
        OPENED, title="VPN is slow", service=None, attributes={"site": "Graz", "floor": "2"}
    )
    assert merged.incident.outcome == Outcome("Network", fields={"b": "2", "c": "3"})


def test_null_erases_all_attributes_except_those_a_person_gave() -> None:
    stored = opened(authors={"attributes.site": Author.PERSON})
    report = replace(OPENED, attributes={"site": "Graz", "floor": "2"})
    stored = replace(stored, incident=ResolvedIncident(report, Outcome()))
    merged = merge_update(stored, update("attributes", report=IncidentReport("1")), NOON)
    assert merged.incident.report.attributes == {"site": "Graz"}


@pytest.mark.parametrize(
    ("known", "sent", "outdated"),
    [
        (NOON, NOON - HOUR, True),
        (NOON, NOON, False),
        (NOON, None, False),
        (None, NOON - HOUR, False),
    ],
)
def test_an_update_older_than_the_stored_one_changes_nothing(
    known: datetime | None, sent: datetime | None, outdated: bool
) -> None:
    stored = opened(updated_at=known)
    late = update("title", report=IncidentReport("1", title="late"), updated_at=sent)
    assert is_outdated(stored, late) is outdated
    assert (merge_update(stored, late, NOON) == stored) is outdated


def test_the_arrival_stands_for_an_absent_time() -> None:
    stored = merge_update(None, update("title"), NOON)
    assert is_outdated(stored, update("title", updated_at=NOON - HOUR))
    later = merge_update(stored, update("title"), NOON - HOUR)
    assert later.tracking.updated_at == NOON


def test_by_field_a_person_counts_before_the_source_and_the_source_before_us() -> None:
    outcome = Outcome("Network", severity="Low")
    ours = update("category", "severity", outcome=outcome, author=Author.PRECEDENT)
    incident = merge_update(None, ours, NOON)
    person = update("severity", outcome=Outcome(severity="High"), author=Author.PERSON)
    incident = merge_update(incident, person, NOON)
    source = update("category", "severity", outcome=Outcome("Mail", severity="Middle"))
    incident = merge_update(incident, source, NOON)
    outcome = incident.incident.outcome
    assert (outcome.category, outcome.severity) == ("Mail", "High")
    assert incident.tracking.authors == {"severity": Author.PERSON}
    late = merge_update(incident, ours, NOON)
    assert late.incident == incident.incident


def test_a_label_that_a_person_gives_leaves_an_open_incident_open() -> None:
    person = update("severity", outcome=Outcome(severity="High"), author=Author.PERSON)
    merged = merge_update(opened(), person, NOON)
    assert merged.incident.outcome.effective_status is Status.OPEN
    closing = update("resolution", outcome=Outcome(resolution="Restarted it."))
    closed = merge_update(merged, closing, NOON)
    assert closed.incident.outcome.effective_status is Status.RESOLVED
    resolving = update("resolution", outcome=Outcome(resolution="Done."), author=Author.PERSON)
    assert not merge_update(opened(), resolving, NOON).incident.outcome.is_open


def test_what_a_person_writes_does_not_move_the_time_of_the_source() -> None:
    stored = opened(updated_at=NOON)
    merged = merge_update(stored, update("title", author=Author.PERSON), NOON + HOUR)
    assert merged.tracking.updated_at == NOON


def test_the_opening_report_is_kept_at_the_first_change() -> None:
    first = merge_update(None, update(*given_in(opened().incident)), NOON)
    assert first.tracking.opening is None
    again = merge_update(first, update("title"), NOON)
    assert again.tracking.opening is None
    said = IncidentReport("1", NOON - HOUR, title="VPN: solved by new certificate")
    edited = merge_update(again, update("title", "opened_at", report=said), NOON)
    edited = merge_update(edited, update("title", report=replace(said, title="closed")), NOON)
    # A corrected time of opening is a fact about the opening.
    assert edited.opening_report == replace(OPENED, opened_at=NOON - HOUR)
    assert edited.incident.report.title == "closed"


def test_a_resolution_resolves_an_incident_that_was_stated_open_and_open_reopens_it() -> None:
    stored = opened(Outcome("Network", status=Status.OPEN))
    assert merge_update(stored, update("category"), NOON).incident.outcome.is_open
    fixed = Outcome(resolution="new certificate", resolved_at=NOON)
    resolved = merge_update(stored, update("resolution", "resolved_at", outcome=fixed), NOON)
    assert resolved.incident.outcome.effective_status is Status.RESOLVED
    reopened = merge_update(resolved, update("status", outcome=Outcome(status=Status.OPEN)), NOON)
    assert reopened.incident.outcome.is_open
    assert reopened.incident.outcome.resolved_at is None
    assert reopened.incident.outcome.resolution == "new certificate"


def test_an_export_neither_erases_nor_reopens_nor_overrules_a_person() -> None:
    stored = opened(
        Outcome("Network", severity="High", resolution="fixed", resolved_at=NOON),
        authors={"severity": Author.PERSON},
        updated_at=NOON,
    )
    closed = Outcome("Mail", severity="Low", fields={"a": "1"})
    merged = merge_import(stored, ResolvedIncident(IncidentReport("1", title="VPN, new"), closed))
    assert merged.incident.outcome == replace(
        stored.incident.outcome, category="Mail", fields={"a": "1"}
    )
    assert merged.incident.report == replace(OPENED, title="VPN, new")
    assert merged.opening_report == OPENED
    assert merged.tracking.updated_at == NOON
    still_open = Outcome("Mail", status=Status.OPEN)
    merged = merge_import(stored, ResolvedIncident(OPENED, still_open))
    assert merged.incident == stored.incident
