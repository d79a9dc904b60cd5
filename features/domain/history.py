"""A history of past incidents, as read from an export."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from features.domain.label_renames import Renames
from features.domain.report import ResolvedIncident


class Provenance(StrEnum):
    """When the values of a report column were written: at opening, edited later, or unknown."""

    OPENING = "opening"
    EDITED = "edited"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that could not be read, by its line in the file (the header is line 1)."""

    line: int
    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class PriorityMatrix:
    """The severity of each pair of impact and urgency, stated by a user or learned.

    `cells` are keyed by impact and urgency; a pair without a cell has no known severity.

    >>> PriorityMatrix({("High", "Low"): "P3"}, is_learned=True).describe()
    'priority by impact and urgency, learned from the history: High and Low: P3'
    """

    cells: Mapping[tuple[str, str], str]
    is_learned: bool = False

    def describe(self) -> str:
        """Return the whole matrix as one line of text."""
        origin = "learned from the history" if self.is_learned else "as stated"
        cells = [f"{' and '.join(pair)}: {severity}" for pair, severity in self.cells.items()]
        return f"priority by impact and urgency, {origin}: {'; '.join(cells)}"


@dataclass(frozen=True, slots=True)
class History:
    """Past incidents in the order of the file, with facts about the file.

    `severity_levels` lists the levels, least severe first; it is empty when no order is known.
    `field_levels` holds the levels of impact and of urgency in the same way, for those that are
    mapped. `priority_matrix` is the matrix that the mapping states, or else the one learned if
    impact and urgency determine severity, or else None. `groups` holds each incident's group by the
    mapping's `split_by`, and is empty without `split_by`. `provenance` says for each report column
    when its values were written. `sha256` is the hash of the file. `renamed` holds the labels that
    were renamed; the incidents have the new ones.
    """

    incidents: tuple[ResolvedIncident, ...]
    severity_levels: tuple[str, ...] = ()
    field_levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    priority_matrix: PriorityMatrix | None = None
    groups: tuple[str, ...] = ()
    provenance: Mapping[str, Provenance] = field(default_factory=dict)
    rejected: tuple[RejectedRow, ...] = ()
    warnings: tuple[str, ...] = ()
    sha256: str = ""
    renamed: Renames = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DatasetMetadata:
    """Facts about the last training history; the fields mean the same as in `History`.

    `groups` holds each incident's group by incident id.
    """

    severity_levels: tuple[str, ...] = ()
    field_levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    priority_matrix: PriorityMatrix | None = None
    groups: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, Provenance] = field(default_factory=dict)
    sha256: str = ""
    renamed: Renames = field(default_factory=dict)

    @classmethod
    def of(cls, history: History) -> Self:
        """Return the metadata of a history."""
        ids = (incident.report.id for incident in history.incidents)
        return cls(
            severity_levels=history.severity_levels,
            field_levels=dict(history.field_levels),
            priority_matrix=history.priority_matrix,
            groups=dict(zip(ids, history.groups, strict=True)) if history.groups else {},
            provenance=dict(history.provenance),
            sha256=history.sha256,
            renamed=dict(history.renamed),
        )
