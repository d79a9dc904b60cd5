"""The import of whole real exports: what is read, and how much work it is."""

import os
import time
from functools import cache
from pathlib import Path

import pytest

from features.domain.history import History
from features.imports.column_mapping import load_mapping
from features.imports.load_history import load_history

DATA = Path(os.environ.get("PRECEDENT_DATA", "../shared/data"))
MAPPINGS = Path("tests/benchmarks/mappings")

pytestmark = [
    pytest.mark.quality,
    pytest.mark.skipif(not DATA.is_dir(), reason="needs the real data; set PRECEDENT_DATA"),
]


LOG = "servicenow-log", "servicenow-log/events.csv.gz"


@cache
def imported(name: str, file: str) -> tuple[History, float]:
    """Import an export once; returns the processor seconds too, which others' work leaves alone."""
    started = time.process_time()
    history = load_history(DATA / file, load_mapping(MAPPINGS / f"{name}.yaml"), strict=True)
    return history, time.process_time() - started


@pytest.mark.parametrize(
    ("name", "file", "rows", "levels", "seconds"),
    [
        ("it-tickets", "it-tickets/tickets.csv.gz", 37_669, 0, 10),
        ("assignment", "assignment/tickets.csv.gz", 5_955, 0, 5),
        ("bank-incidents", "bank-incidents/incidents.csv.gz", 24_645, 5, 8),
        (*LOG, 17_442, 4, 20),
        ("alert-rules", "alert-rules/rules.jsonl", 1_220, 3, 2),
        ("cloud-incidents", "cloud-incidents/gcp.jsonl.gz", 784, 3, 2),
        ("seamonkey-issues", "duplicates/seamonkey-issues.csv.gz", 1_076, 5, 5),
    ],
)
def test_a_real_export_is_imported_whole(
    name: str, file: str, rows: int, levels: int, seconds: float
) -> None:
    history, taken = imported(name, file)
    assert taken < seconds
    assert len(history.incidents) == rows
    assert not history.rejected
    assert len(history.severity_levels) == levels
    assert bool(history.groups) == (name == "alert-rules")


def test_the_trail_shows_how_often_labels_change() -> None:
    mapping = load_mapping(MAPPINGS / "servicenow-log.yaml")
    assert mapping.outcome.assignment is not None
    first = mapping.outcome.assignment.model_copy(update={"value": "first"})
    outcome = mapping.outcome.model_copy(update={"assignment": first})
    last = imported(*LOG)[0].incidents
    opened = load_history(DATA / LOG[1], mapping.model_copy(update={"outcome": outcome})).incidents
    pairs = zip(opened, last, strict=True)
    changed = sum(a.outcome.assignment != b.outcome.assignment for a, b in pairs) / len(last)
    assert 0.3 < changed < 0.5
    assert all(incident.report.opened_at for incident in last)


def test_the_matrix_behind_the_priorities_of_the_log_is_found() -> None:
    history, _ = imported(*LOG)
    assert history.priority_matrix is not None
    assert history.priority_matrix.is_learned
    cells = history.priority_matrix.cells
    assert [*map("".join, cells)] == ["11", "12", "21", "22", "23", "31", "32", "33"]
    assert list(cells.values()) == ["1", "2", "2", "3", "4", "3", "4", "4"]


def test_the_impact_of_bank_incidents_is_dropped() -> None:
    mapping = load_mapping(MAPPINGS / "bank-incidents.yaml")
    report = mapping.report.model_copy(
        update={"attributes": (*mapping.report.attributes, "Impact", "SLAFail", "KM_number")}
    )
    history = load_history(
        DATA / "bank-incidents" / "incidents.csv.gz", mapping.model_copy(update={"report": report})
    )
    dropped = {warning.split(":")[0] for warning in history.warnings if "dropped" in warning}
    assert dropped == {"Impact", "SLAFail", "KM_number"}
