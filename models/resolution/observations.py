"""What is observed of past incidents: how long they took, or how long they were seen open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from features.domain.report import ResolvedIncident
from features.search.precedent_index import LEAST_HOURS, hours_to_resolve

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Rows = NDArray[np.int64]

NO_TARGETS: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Observations:
    """What is observed of incidents, one row each.

    `hours` is the time to resolve or, for a censored incident, for how long it was seen open; NaN
    if the times are not known. `is_resolved` tells the two apart. `follow_up` is for how long an
    incident could be observed, in hours. `missed` and `reassigned` are 1 or 0, NaN if not known.
    """

    hours: Floats
    is_resolved: Flags
    follow_up: Floats
    missed: Floats
    reassigned: Floats

    def __len__(self) -> int:
        return len(self.hours)

    @property
    def is_timed(self) -> Flags:
        """Whether an incident tells of the time to resolve, be it censored."""
        return np.isfinite(self.hours)

    def take(self, rows: Rows | Flags) -> "Observations":
        """Return the observations of these rows."""
        return Observations(
            self.hours[rows],
            self.is_resolved[rows],
            self.follow_up[rows],
            self.missed[rows],
            self.reassigned[rows],
        )


def observe(
    incidents: Sequence[ResolvedIncident],
    *,
    cutoff: datetime | None = None,
    target_hours: Mapping[str, float] = NO_TARGETS,
) -> Observations:
    """Return what is observed of incidents until a cutoff, by default the latest known time.

    An incident that is open, stale, or resolved after the cutoff is censored at the cutoff. Without
    a stated outcome, whether the target time was missed follows from the `target_hours` of the
    incident's severity; a target that has passed is missed while the incident is still open.

    >>> from datetime import UTC
    >>> from features.domain.report import IncidentReport, Outcome
    >>> noon, evening = (datetime(2026, 3, 2, hour, tzinfo=UTC) for hour in (12, 18))
    >>> past = [ResolvedIncident(IncidentReport("A", noon), Outcome(resolved_at=evening)),
    ...         ResolvedIncident(IncidentReport("B", noon), Outcome())]
    >>> seen = observe(past)
    >>> seen.hours.tolist(), seen.is_resolved.tolist()
    ([6.0, 6.0], [True, False])
    """
    until = latest_time(incidents) if cutoff is None else cutoff
    rows = [_observe_one(incident, until, target_hours) for incident in incidents]
    columns = np.array(rows, dtype=np.float64).reshape(len(rows), 5).T
    hours, is_resolved, follow_up, missed, reassigned = columns
    return Observations(hours, is_resolved.astype(np.bool_), follow_up, missed, reassigned)


def latest_time(incidents: Sequence[ResolvedIncident]) -> datetime | None:
    """Return the latest time at which an incident is known to have opened or been resolved."""
    times = [
        moment
        for incident in incidents
        for moment in (incident.report.opened_at, incident.outcome.resolved_at)
        if moment is not None
    ]
    return max(times, default=None)


def _observe_one(
    incident: ResolvedIncident, until: datetime | None, target_hours: Mapping[str, float]
) -> tuple[float, float, float, float, float]:
    outcome, opened_at = incident.outcome, incident.report.opened_at
    follow_up = (
        float("nan")
        if opened_at is None or until is None
        else max((until - opened_at).total_seconds() / 3600, LEAST_HOURS)
    )
    hours = hours_to_resolve(incident)
    is_late = hours is not None and hours > follow_up
    is_open = outcome.is_open or is_late
    seen = follow_up if is_open else float("nan") if hours is None else hours
    return (
        seen,
        float(not is_open),
        follow_up,
        _is_missed(incident, seen, target_hours, is_open=is_open),
        _settled(outcome.reassigned, lasting=True, is_open=is_open),
    )


def _is_missed(
    incident: ResolvedIncident, hours: float, target_hours: Mapping[str, float], *, is_open: bool
) -> float:
    outcome = incident.outcome
    if outcome.sla_met is not None:
        return _settled(not outcome.sla_met, lasting=True, is_open=is_open)
    target = target_hours.get(outcome.severity or "")
    if target is None or not np.isfinite(hours):
        return float("nan")
    return _settled(hours > target, lasting=True, is_open=is_open)


def _settled(flag: bool | None, *, lasting: bool, is_open: bool) -> float:
    """Return a flag as a number, NaN if it may still change while the incident is open."""
    if flag is None or (is_open and flag is not lasting):
        return float("nan")
    return float(flag)
