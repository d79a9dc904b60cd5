"""An incident: the report (known when it opens) and the outcome (learned later)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class IncidentReport:
    """All that is known when the incident opens; features are computed from nothing else.

    `opened_at` is aware UTC. `attributes` holds further facts, keyed by the export's column name.

    >>> IncidentReport(id="INC1", title="VPN down", attributes={"site": "Graz"}).service is None
    True
    """

    id: str
    opened_at: datetime | None = None
    title: str = ""
    description: str = ""
    service: str | None = None
    source: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is learned after opening: labels, never features.

    `fields` holds the labels of further choice fields, keyed by the export's column name.

    >>> Outcome(category="Network").fields
    {}
    """

    category: str | None = None
    assignment: str | None = None
    severity: str | None = None
    resolution: str | None = None
    runbook_id: str | None = None
    resolved_at: datetime | None = None
    duplicate_of: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether nothing was learned yet, except which incident this one duplicates."""
        return replace(self, duplicate_of=None) == Outcome()


@dataclass(frozen=True, slots=True)
class ResolvedIncident:
    """A past incident: its report as of opening, and its outcome.

    >>> ResolvedIncident(IncidentReport(id="INC1"), Outcome(category="Network")).outcome.category
    'Network'
    """

    report: IncidentReport
    outcome: Outcome

    @property
    def labels_known_at(self) -> datetime | None:
        """When the labels became known: when it was resolved, else when it opened."""
        return self.outcome.resolved_at or self.report.opened_at
