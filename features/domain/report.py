"""An incident: the report (known when it opens) and the outcome (learned later)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum


class Status(StrEnum):
    """Where an incident stands.

    `STALE` is an alert's incident of which nothing was heard for longer than the sender repeats: it
    is still open, because nobody said that it ended.
    """

    OPEN = "open"
    RESOLVED = "resolved"
    STALE = "stale"


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

    `fields` holds the labels of further choice fields, keyed by the export's column name. `status`
    is what the source or a person states; None if nobody stated it. `sla_met` says whether the
    incident was resolved within its target time, `reassigned` whether it went to another group or
    person after its first; both are None if unknown.

    >>> Outcome(category="Network").is_open, Outcome(category="Network", status=Status.OPEN).is_open
    (False, True)
    """

    category: str | None = None
    assignment: str | None = None
    severity: str | None = None
    resolution: str | None = None
    runbook_id: str | None = None
    resolved_at: datetime | None = None
    duplicate_of: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    status: Status | None = None
    sla_met: bool | None = None
    reassigned: bool | None = None

    @property
    def is_open(self) -> bool:
        """Whether the incident is open: as stated, or else if nothing was learned yet.

        Which incident this one duplicates, and that it was reassigned, may be known while it is
        open.
        """
        if self.status is not None:
            return self.status is not Status.RESOLVED
        return replace(self, duplicate_of=None, reassigned=None) == Outcome()

    @property
    def effective_status(self) -> Status:
        """The stated status, or else the one that follows from what was learned."""
        return self.status or (Status.OPEN if self.is_open else Status.RESOLVED)


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
