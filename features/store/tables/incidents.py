"""The tables of incidents, runbooks, changes, anomalies, routines and series states."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from features.store.tables.base import Base, Id, Key


class IncidentRow(Base):
    """An incident: the fields of its report and of its outcome.

    `resolved` is true unless the outcome is open. `revision` is the revision that last changed the
    row.
    """

    __tablename__ = "incidents"
    __table_args__ = (Index("incidents_by_revision", "tenant", "revision"),)

    tenant: Mapped[Key]
    id: Mapped[Key]
    opened_at: Mapped[datetime | None]
    title: Mapped[str]
    description: Mapped[str]
    service: Mapped[str | None]
    source: Mapped[str | None]
    attributes: Mapped[dict[str, Any]]
    category: Mapped[str | None]
    assignment: Mapped[str | None]
    severity: Mapped[str | None]
    resolution: Mapped[str | None]
    runbook_id: Mapped[str | None]
    resolved_at: Mapped[datetime | None]
    duplicate_of: Mapped[str | None]
    fields: Mapped[dict[str, Any]]
    status: Mapped[str | None]
    sla_met: Mapped[bool | None]
    reassigned: Mapped[bool | None]
    resolved: Mapped[bool]
    revision: Mapped[int]


# A hash index, because PostgreSQL refuses long texts in other kinds of index.
Index("incidents_by_link", IncidentRow.duplicate_of, postgresql_using="hash")
_newest_first = (IncidentRow.tenant, IncidentRow.opened_at.desc(), IncidentRow.id)
Index("incidents_by_opening", *_newest_first).ddl_if("postgresql")
# The index includes the columns of the inbox's filters, so that SQLite does not read every row.
# PostgreSQL reads its table about as fast, and would refuse a label that is too long for an index.
Index(
    "incidents_by_opening_with_labels",
    *_newest_first,
    IncidentRow.resolved,
    IncidentRow.category,
    IncidentRow.severity,
    IncidentRow.service,
).ddl_if("sqlite")


class DeletionRow(Base):
    """The id of a deleted incident, so that other processes learn of the deletion."""

    __tablename__ = "deletions"
    __table_args__ = (Index("deletions_by_revision", "tenant", "revision"),)

    tenant: Mapped[Key]
    id: Mapped[Key]
    revision: Mapped[int]


class RevisionRow(Base):
    """The number of writes to a tenant's incidents so far."""

    __tablename__ = "revisions"

    tenant: Mapped[Key]
    revision: Mapped[int]


class RunbookRow(Base):
    """A runbook; `sections` is a list of objects with the fields of `Section`."""

    __tablename__ = "runbooks"

    tenant: Mapped[Key]
    id: Mapped[Key]
    title: Mapped[str]
    sections: Mapped[list[Any]]
    steps: Mapped[list[Any]]
    url: Mapped[str | None]
    facts: Mapped[dict[str, Any]]


class RunbookRevisionRow(Base):
    """The number of times that a tenant's runbooks changed."""

    __tablename__ = "runbook_revisions"

    tenant: Mapped[Key]
    revision: Mapped[int]


class ChangeRow(Base):
    """A change to a service; `service_key` is the service's name, normalised for comparison."""

    __tablename__ = "changes"
    __table_args__ = (Index("changes_by_time", "tenant", "at"),)

    tenant: Mapped[Key]
    id: Mapped[Key]
    service: Mapped[str | None]
    service_key: Mapped[str | None]
    at: Mapped[datetime]
    kind: Mapped[str]
    summary: Mapped[str]
    url: Mapped[str | None]
    attributes: Mapped[dict[str, Any]]


class AnomalyRow(Base):
    """An anomaly of a series; numbers that are NaN, as in a gap, are stored as null."""

    __tablename__ = "anomalies"
    __table_args__ = (Index("anomalies_by_onset", "tenant", "onset_at", "ended_at"),)

    tenant: Mapped[Key]
    id: Mapped[Key]
    series: Mapped[str]
    service: Mapped[str | None]
    labels: Mapped[dict[str, Any]]
    unit: Mapped[str | None]
    onset_at: Mapped[datetime]
    detected_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    effect: Mapped[float | None]
    expected: Mapped[float | None]
    value: Mapped[float | None]
    score: Mapped[float | None]
    alarms_per_week: Mapped[float | None]
    channel: Mapped[str]
    direction: Mapped[str]
    points: Mapped[dict[str, Any]]


class BreachWarningRow(Base):
    """A warning that a series will probably reach its level."""

    __tablename__ = "breach_warnings"
    __table_args__ = (Index("breach_warnings_by_time", "tenant", "warned_at"),)

    tenant: Mapped[Key]
    id: Mapped[Key]
    group: Mapped[str]
    series: Mapped[str]
    service: Mapped[str | None]
    unit: Mapped[str | None]
    level: Mapped[float]
    direction: Mapped[str]
    probability: Mapped[float]
    at: Mapped[datetime]
    lower: Mapped[datetime]
    upper: Mapped[datetime]
    warned_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    is_reached: Mapped[bool | None]
    points: Mapped[dict[str, Any] | None]


class SeriesRoutineRow(Base):
    """A routine of a watched series, and whether a person revoked it."""

    __tablename__ = "series_routines"
    __table_args__ = (
        Index("series_routines_by_time", "tenant", "learned_at"),
        Index("series_routines_by_revocation", "tenant", "revoked_at"),
    )

    tenant: Mapped[Key]
    id: Mapped[Key]
    series_key: Mapped[Id]
    series: Mapped[str]
    service: Mapped[str | None]
    unit: Mapped[str | None]
    direction: Mapped[str]
    at: Mapped[str | None]
    every: Mapped[str]
    duration_seconds: Mapped[float]
    lower: Mapped[float]
    upper: Mapped[float]
    days_seen: Mapped[int]
    learned_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None]


class SeriesRow(Base):
    """The detector's state of a series, and the time until which the watch has read the series."""

    __tablename__ = "series"

    tenant: Mapped[Key]
    watch: Mapped[Key]
    key: Mapped[Key]
    labels: Mapped[dict[str, Any]]
    tier: Mapped[str]
    step_seconds: Mapped[int]
    layout: Mapped[str]
    seen_until: Mapped[datetime]
    state: Mapped[bytes]
