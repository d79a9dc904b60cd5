"""A history as it was read from an export."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from features.incident.report import ResolvedIncident


class Provenance(StrEnum):
    """When the value of a report column was written."""

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
class History:
    """Past incidents in the order of the file, and what reading them taught.

    `severity_levels` lists the levels with the least severe first, empty when no order is known.
    `groups` holds one value of the mapping's `split_by` column per incident, empty without one.
    `provenance` tells of each report column when its value was written. `sha256` is the file's.
    """

    incidents: tuple[ResolvedIncident, ...]
    severity_levels: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    provenance: Mapping[str, Provenance] = field(default_factory=dict)
    rejected: tuple[RejectedRow, ...] = ()
    warnings: tuple[str, ...] = ()
    sha256: str = ""
