"""Labels that would teach a mistake: said once by somebody alone, or no level of the scale."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from features.domain.history import DatasetMetadata
from features.domain.labels import LabelRecord, LabelSource
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.store.store import Store, open_store
from training.dataset.point_in_time import PointInTimeHistory, read_point_in_time

OPENED = datetime(2026, 3, 2, tzinfo=UTC)
CUTOFF = OPENED + timedelta(days=9)


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> Iterator[Store]:
    file = tmp_path / "precedent.db"
    file.write_bytes(empty_store.read_bytes())
    with open_store(f"sqlite:///{file}") as opened:
        yield opened


def keep(store: Store, *outcomes: Outcome) -> None:
    store.incidents.upsert(
        ResolvedIncident(IncidentReport(f"W{n}", OPENED, f"title {n}"), outcome)
        for n, outcome in enumerate(outcomes)
    )


def correct(store: Store, incident_id: str, label: str, target: str = "category") -> None:
    said = LabelRecord(incident_id, target, label, LabelSource.CORRECTED, "Ana", OPENED)
    store.labels.record([said])


def categories(past: PointInTimeHistory) -> list[str | None]:
    return [one.outcome.category for one in past.history.incidents]


def test_a_slip_of_the_pen_is_no_class(store: Store) -> None:
    keep(store, Outcome("Network"), Outcome("Network"), Outcome("Rare"))
    correct(store, "W0", "Netwrk")
    past = read_point_in_time(store, CUTOFF)
    assert categories(past) == [None, "Network", "Rare"]
    assert past.warnings == (
        "1 incident says 'Netwrk' in category, and no other does (like 'Network'?): W0; "
        "left out until another says so",
    )
    correct(store, "W0", "network")
    assert "(like 'Network'?)" in read_point_in_time(store, CUTOFF).warnings[0]


def test_what_two_incidents_say_or_any_outcome_has_is_learned(store: Store) -> None:
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


def test_a_severity_that_is_no_level_is_left_out_and_named(store: Store) -> None:
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
    assert [one.outcome.severity for one in past.history.incidents] == [None, "Low", None]
    assert [one.outcome.fields for one in past.history.incidents] == [
        {},
        {},
        {"impact": "fast", "site": "Graz"},
    ]
    assert categories(past) == ["Network", None, None]
    assert past.warnings == (
        "1 incident says 'quick' in fields.impact, which is none of its levels (slow, fast), "
        "such as W1; left out until the mapping's `order` has it",
        "2 incidents say 'P1' in severity, which is none of its levels (Low, High), "
        "such as W0; left out until the mapping's `order` has it",
    )
