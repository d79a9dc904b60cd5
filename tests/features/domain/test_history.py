"""The metadata of a history."""

from features.domain.history import DatasetMetadata, History, PriorityMatrix, Provenance
from features.domain.report import IncidentReport, Outcome, ResolvedIncident


def incident(incident_id: str) -> ResolvedIncident:
    return ResolvedIncident(IncidentReport(id=incident_id), Outcome())


def test_metadata_is_that_of_a_history() -> None:
    history = History(
        (incident("INC1"), incident("INC2")),
        severity_levels=("Low", "High"),
        field_levels={"impact": ("1", "2")},
        priority_matrix=PriorityMatrix({("1", "2"): "Low"}, is_learned=True),
        groups=("north", "south"),
        provenance={"title": Provenance.OPENING},
        sha256="ab",
    )
    assert DatasetMetadata.of(history) == DatasetMetadata(
        severity_levels=history.severity_levels,
        field_levels=history.field_levels,
        priority_matrix=history.priority_matrix,
        groups={"INC1": "north", "INC2": "south"},
        provenance=history.provenance,
        sha256="ab",
    )
    assert DatasetMetadata.of(History(())).groups == {}
