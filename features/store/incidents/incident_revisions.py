"""Revisions of incidents: what a decision changes, and how the changes are written together."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from features.domain.alerts.alert import Alert
from features.domain.labels import LabelRecord
from features.domain.tracking import Author, TrackedIncident, Tracking
from features.store.counters import move_revision
from features.store.database import insert_into
from features.store.incidents.incidents import write_incidents
from features.store.operations.triage_queue import QueueEntry, enqueue
from features.store.tables import AlertRow, IncidentVersionRow, RevisionRow, TrackingRow
from features.store.upserts import upsert_into

_TRACKING = tuple(field.name for field in fields(Tracking))
_ALERT = tuple(field.name for field in fields(Alert))
_VERSIONED = ("acknowledged_by", "consequence_of", "change_id")


@dataclass(frozen=True, slots=True)
class Revision:
    """Incidents to write, the author of the change, and the labels that follow from it.

    `triaged` are the ids of those incidents that are put into the queue for triage, after
    `triage_delay`; `request_id` is the request that caused it.
    """

    incidents: tuple[TrackedIncident, ...]
    author: Author
    written_at: datetime
    actor: str = ""
    labels: tuple[LabelRecord, ...] = ()
    triaged: tuple[str, ...] = ()
    request_id: str = ""
    triage_delay: timedelta = timedelta()


Decide = Callable[[tuple[TrackedIncident, ...]], Revision | None]


@dataclass(frozen=True, slots=True)
class RevisedIncident:
    """An incident before and after a revision; `old` is None for a new incident."""

    old: TrackedIncident | None
    new: TrackedIncident
    revision: Revision


class RevisedIncidents:
    """The incidents of several groups, as one decision after the other changes them."""

    def __init__(self, stored: Mapping[str, tuple[TrackedIncident, ...]]) -> None:
        self._stored = {_id(tracked): tracked for group in stored.values() for tracked in group}
        self._groups = {
            name: {_id(tracked): tracked for tracked in group} for name, group in stored.items()
        }
        self._revised: dict[str, RevisedIncident] = {}
        self._triaged: dict[str, Revision] = {}

    def decide(self, group: str, decide: Decide) -> Revision | None:
        """Let a decision see a group in order of the ids, and keep what it changes."""
        known = self._groups[group]
        revision = decide(tuple(known[name] for name in sorted(known)))
        if revision is not None:
            for tracked in revision.incidents:
                known[_id(tracked)] = tracked
                old = self._stored.get(_id(tracked))
                self._revised[_id(tracked)] = RevisedIncident(old, tracked, revision)
            self._triaged |= dict.fromkeys(revision.triaged, revision)
        return revision

    def written(self) -> list[RevisedIncident]:
        """Return each incident that a decision named, with the last revision that triages it."""
        return [
            RevisedIncident(one.old, one.new, self._triaged.get(name, one.revision))
            for name, one in self._revised.items()
        ]


def write_revised(connection: Connection, tenant: str, revised: Sequence[RevisedIncident]) -> None:
    """Write what differs between the old and the new incidents, each kind of row at once."""
    incidents = [
        one.new.incident
        for one in revised
        if one.old is None or one.old.incident != one.new.incident
    ]
    if incidents:
        number = move_revision(connection, RevisionRow, tenant)
        write_incidents(connection, tenant, incidents, number)
    _write_tracking(connection, tenant, revised)
    _write_alerts(connection, tenant, revised)
    _write_versions(connection, tenant, revised)
    enqueue(
        connection,
        tenant,
        [
            QueueEntry(
                _id(one.new),
                one.revision.request_id,
                one.revision.written_at + one.revision.triage_delay,
            )
            for one in revised
            if _id(one.new) in one.revision.triaged
        ],
    )


def _id(tracked: TrackedIncident) -> str:
    return tracked.incident.report.id


def _write_tracking(
    connection: Connection, tenant: str, revised: Iterable[RevisedIncident]
) -> None:
    rows = [
        _tracking_row(tenant, one.new)
        for one in revised
        if one.new.tracking != (one.old.tracking if one.old else Tracking())
    ]
    if rows:
        key = ("tenant", "incident_id")
        connection.execute(upsert_into(connection, TrackingRow, key, _TRACKING), rows)


def _tracking_row(tenant: str, tracked: TrackedIncident) -> dict[str, Any]:
    tracking = tracked.tracking
    opening = None if tracking.opening is None else asdict(tracking.opening)
    values = {name: getattr(tracking, name) for name in _TRACKING}
    values |= {"opening": opening, "authors": dict(tracking.authors)}
    return values | {"tenant": tenant, "incident_id": _id(tracked)}


def _write_alerts(connection: Connection, tenant: str, revised: Iterable[RevisedIncident]) -> None:
    rows = [
        {name: getattr(alert, name) for name in _ALERT}
        | {"labels": dict(alert.labels), "annotations": dict(alert.annotations)}
        | {"tenant": tenant, "incident_id": _id(one.new)}
        for one in revised
        for alert in _changed_alerts(one)
    ]
    if rows:
        key = ("tenant", "incident_id", "fingerprint")
        connection.execute(upsert_into(connection, AlertRow, key, _ALERT), rows)


def _changed_alerts(one: RevisedIncident) -> Iterable[Alert]:
    known = {alert.fingerprint: alert for alert in (one.old.alerts if one.old else ())}
    return (alert for alert in one.new.alerts if known.get(alert.fingerprint) != alert)


def _write_versions(
    connection: Connection, tenant: str, revised: Iterable[RevisedIncident]
) -> None:
    changes = {
        _id(one.new): (one.revision, changed)
        for one in revised
        if one.old is not None and (changed := _changes(one.old, one.new))
    }
    if not changes:
        return
    query = (
        select(IncidentVersionRow.incident_id, func.max(IncidentVersionRow.number).label("last"))
        .where(
            IncidentVersionRow.tenant == tenant,
            IncidentVersionRow.incident_id.in_(list(changes)),
        )
        .group_by(IncidentVersionRow.incident_id)
    )
    last = {row.incident_id: row.last for row in connection.execute(query)}
    rows = [
        {
            "tenant": tenant,
            "incident_id": id_,
            "number": last.get(id_, 0) + 1,
            "written_at": revision.written_at,
            "author": revision.author,
            "actor": revision.actor,
            "changes": changed,
        }
        for id_, (revision, changed) in changes.items()
    ]
    connection.execute(insert_into(connection, IncidentVersionRow), rows)


def _changes(old: TrackedIncident, new: TrackedIncident) -> dict[str, tuple[object, object]]:
    """Return the value of each changed field before and after."""
    before, after = dict(_values(old)), dict(_values(new))
    return {name: (before[name], after[name]) for name in after if before[name] != after[name]}


def _values(tracked: TrackedIncident) -> Iterable[tuple[str, object]]:
    for part in (tracked.incident.report, tracked.incident.outcome):
        for field in fields(part):
            value = getattr(part, field.name)
            yield field.name, dict(value) if field.name in ("attributes", "fields") else value
    for name in _VERSIONED:
        yield name, getattr(tracked.tracking, name)
