"""Refuses updates of incidents whose times contradict each other, or that are too large."""

from datetime import datetime, timedelta

from features.domain.report import ResolvedIncident
from features.store.incidents.incident_update import IncidentUpdate
from serving.runtime.errors import FieldError, InvalidFields
from serving.schemas.requests import MAX_ATTRIBUTES

_CLOCK_ERROR = timedelta(minutes=5)


def check_update(update: IncidentUpdate, now: datetime) -> None:
    """Raise `InvalidFields` for an update of the future, or one that ends before it opens."""
    if update.updated_at is not None and update.updated_at > now + _CLOCK_ERROR:
        _refuse("updated_at", "is more than five minutes in the future")
    if {"opened_at", "resolved_at"} <= update.given:
        _check_order(ResolvedIncident(update.report, update.outcome), "outcome.resolved_at")


def check_merged(incident: ResolvedIncident, update: IncidentUpdate) -> None:
    """Raise `InvalidFields` if an update makes the stored incident contradict itself."""
    if "resolved_at" in update.given:
        _check_order(incident, "outcome.resolved_at")
    elif "opened_at" in update.given:
        _check_order(incident, "incident.opened_at")
    count = len(incident.report.attributes)
    if count > MAX_ATTRIBUTES:
        _refuse(
            "incident.attributes",
            f"with the stored ones there are {count}; at most {MAX_ATTRIBUTES} are accepted",
        )


def _check_order(incident: ResolvedIncident, path: str) -> None:
    opened_at, resolved_at = incident.report.opened_at, incident.outcome.resolved_at
    if opened_at is not None and resolved_at is not None and resolved_at < opened_at:
        _refuse(
            path,
            f"the incident would be resolved at {resolved_at:%Y-%m-%dT%H:%M:%SZ}, before it opens "
            f"at {opened_at:%Y-%m-%dT%H:%M:%SZ}",
        )


def _refuse(path: str, message: str) -> None:
    raise InvalidFields([FieldError(path, message)])
