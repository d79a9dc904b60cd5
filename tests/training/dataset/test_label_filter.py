"""Labels that are likely mistakes: given only once, or not a level of the scale."""

from datetime import UTC, datetime, timedelta

from features.domain.history import DatasetMetadata
from features.domain.labels import LabelRecord, LabelSource
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.store.store import Store
from training.dataset.point_in_time import PointInTimeHistory, read_point_in_time

OPENED = datetime(2026, 3, 2, tzinfo=UTC)
CUTOFF = OPENED + timedelta(days=9)


def keep(store: Store, *outcomes: Outcome) -> None:
    store.incidents.upsert(
        ResolvedIncident(IncidentReport(f"W{n}", OPENED, f"title {n}"), outcome)
        for n, outcome in enumerate(outcomes)
    )


def correct(store: Store, incident_id: str, label: str, target: str = "category") -> None:
    record = LabelRecord(incident_id, target, label, LabelSource.CORRECTED, "Ana", OPENED)
    store.labels.record([record])


def categories(past: PointInTimeHistory) -> list[str | None]:
    return [incident.outcome.category for incident in past.history.incidents]


def test_a_typing_mistake_is_not_a_class(store: Store) -> None:
    keep(store, Outcome("Network"), Outcome("Network"), Outcome("Rare"))
    correct(store, "W0", "Netwrk")
    past = read_point_in_time(store, CUTOFF)
    assert categories(past) == [None, "Network", "Rare"]
    assert past.warnings == (
        "1 incident has the label 'Netwrk' in category, which no other incident has "
        "(did you mean 'Network'?): W0; left out until a second one has it",
    )
    correct(store, "W0", "network")
    assert "(did you mean 'Network'?)" in read_point_in_time(store, CUTOFF).warnings[0]


def test_a_label_of_two_incidents_or_of_any_outcome_is_learned(store: Store) -> None:
    keep(store, Outcome("Network"), Outcome("Network"), Outcome("Network"), Outcome("Rare"))
    for incident_id in ("W0", "W1"):
        correct(store, incident_id, "Quantum")
    correct(store, "W2", "Rare")
    correct(store, "W3", "Network")
    correct(store, "W3", "vpn/restart", "runbooks")
    past = read_point_in_time(store, CUTOFF)
    assert categories(past) == ["Quantum", "Quantum", "Rare", "Network"]
    assert past.history.incidents[3].outcome.runbook_id == "vpn/restart"
    assert past.warnings == ()


def test_a_severity_that_is_not_a_level_is_left_out_and_named(store: Store) -> None:
    levels, speeds = ("Low", "High"), ("slow", "fast")
    keep(
        store,
        Outcome("Network", severity="P1"),
        Outcome(severity="High", fields={"impact": "quick"}),
        Outcome(severity="P1", fields={"impact": "fast", "site": "Graz"}),
    )
    assert read_point_in_time(store, CUTOFF).warnings == ()
    correct(store, "W1", "Low", "severity")
    store.dataset_metadata.save(
        DatasetMetadata(severity_levels=levels, field_levels={"impact": speeds})
    )
    past = read_point_in_time(store, CUTOFF)
    incidents = past.history.incidents
    assert [incident.outcome.severity for incident in incidents] == [None, "Low", None]
    assert [incident.outcome.fields for incident in incidents] == [
        {},
        {},
        {"impact": "fast", "site": "Graz"},
    ]
    assert categories(past) == ["Network", None, None]
    assert past.warnings == (
        "1 incident has the label 'quick' in fields.impact, which is not one of its levels "
        "(slow, fast): for example W1; left out until `order` in the mapping lists it",
        "2 incidents have the label 'P1' in severity, which is not one of its levels "
        "(Low, High): for example W0; left out until `order` in the mapping lists it",
    )
