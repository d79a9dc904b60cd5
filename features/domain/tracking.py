"""What is kept beside an incident: who wrote what, its alerts, and what it belongs to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from features.domain.alerts.alert import Alert
from features.domain.report import IncidentReport, ResolvedIncident


class Author(StrEnum):
    """Who wrote a field: a person's value outranks the source's, and the source's outranks ours."""

    PERSON = "person"
    SOURCE = "source"
    PRECEDENT = "precedent"


@dataclass(frozen=True, slots=True)
class Tracking:
    """The facts about an incident that are neither its report nor its outcome.

    `updated_at` is the source's time of the last accepted update. `opening` is the report as the
    incident opened, None while the report is unchanged. `authors` names the author of fields that
    the source did not write, by the field's name. `previous_id` is the incident of the same alerts
    that came before. `consequence_of` is the incident that heads the storm which this one belongs
    to. `peak_severity` is the most severe level that its alerts reached. `reopenings` counts how
    often its alerts fired again shortly after they ended. `change_id` is the change that had to do
    with it.

    >>> Tracking().is_touched_by_person
    False
    """

    updated_at: datetime | None = None
    opening: IncidentReport | None = None
    authors: Mapping[str, Author] = field(default_factory=dict)
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    previous_id: str | None = None
    consequence_of: str | None = None
    peak_severity: str | None = None
    reopenings: int = 0
    change_id: str | None = None

    @property
    def is_touched_by_person(self) -> bool:
        """Whether a person acknowledged the incident or edited one of its fields."""
        return self.acknowledged_at is not None or Author.PERSON in self.authors.values()


@dataclass(frozen=True, slots=True)
class TrackedIncident:
    """An incident with its tracking and its alerts, in the order in which they joined."""

    incident: ResolvedIncident
    tracking: Tracking = field(default_factory=Tracking)
    alerts: tuple[Alert, ...] = ()

    @property
    def opening_report(self) -> IncidentReport:
        """The report as the incident opened, which is what models learn from."""
        return self.tracking.opening or self.incident.report


@dataclass(frozen=True, slots=True)
class IncidentVersion:
    """A change of an incident: who wrote it, and each changed field's value before and after."""

    incident_id: str
    number: int
    written_at: datetime
    author: Author
    actor: str
    changes: Mapping[str, tuple[object, object]]
