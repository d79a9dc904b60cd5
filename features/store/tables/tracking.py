"""Tables beside the incidents: tracking, versions, alerts, links, queue, idempotency keys."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from features.store.tables.base import Base, Id, Key, Number


class TrackingRow(Base):
    """The fields of `Tracking`; an incident without a row has none of them."""

    __tablename__ = "incident_tracking"
    __table_args__ = (Index("tracking_by_head", "tenant", "consequence_of"),)

    tenant: Mapped[Key]
    incident_id: Mapped[Key]
    updated_at: Mapped[datetime | None]
    opening: Mapped[dict[str, Any] | None]
    authors: Mapped[dict[str, Any]]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]
    previous_id: Mapped[Id | None]
    consequence_of: Mapped[Id | None]
    peak_severity: Mapped[str | None]
    reopenings: Mapped[int]
    change_id: Mapped[Id | None]


class IncidentVersionRow(Base):
    """A change of an incident; `changes` holds the values of each field before and after."""

    __tablename__ = "incident_versions"

    tenant: Mapped[Key]
    incident_id: Mapped[Key]
    number: Mapped[Number]
    written_at: Mapped[datetime]
    author: Mapped[str]
    actor: Mapped[str]
    changes: Mapped[dict[str, Any]]


class AlertRow(Base):
    """An alert of an incident, with the fields of `Alert`."""

    __tablename__ = "alerts"

    tenant: Mapped[Key]
    incident_id: Mapped[Key]
    fingerprint: Mapped[Key]
    labels: Mapped[dict[str, Any]]
    annotations: Mapped[dict[str, Any]]
    is_firing: Mapped[bool]
    began_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    generator_url: Mapped[str]
    first_seen_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    number: Mapped[int]


class HeartbeatRow(Base):
    """An alert that must always fire, when it was last heard of, and how often it is sent."""

    __tablename__ = "heartbeats"

    tenant: Mapped[Key]
    name: Mapped[Key]
    last_seen_at: Mapped[datetime]
    interval_seconds: Mapped[float | None]
    is_ended: Mapped[bool]


class StormLinkRow(Base):
    """A person's word on whether an incident is a consequence of another."""

    __tablename__ = "storm_links"

    tenant: Mapped[Key]
    incident_id: Mapped[Key]
    head_id: Mapped[Key]
    is_joined: Mapped[bool]
    given_by: Mapped[str]
    given_at: Mapped[datetime]


class TriagedReportRow(Base):
    """The last report of an incident that was triaged, but is not stored."""

    __tablename__ = "triaged_reports"

    tenant: Mapped[Key]
    incident_id: Mapped[Key]
    report: Mapped[dict[str, Any]]
    triaged_at: Mapped[datetime]


class TriageQueueRow(Base):
    """An incident that waits to be triaged.

    `requests` increases with each request, so that a request that arrives during a triage is not
    lost. A worker may take the incident from `due_at` on; it then moves `due_at` to the time at
    which another worker may take it over.
    """

    __tablename__ = "triage_queue"
    __table_args__ = (Index("triage_queue_by_time", "tenant", "due_at"),)

    tenant: Mapped[Key]
    incident_id: Mapped[Key]
    request_id: Mapped[str]
    requests: Mapped[int]
    attempts: Mapped[int]
    due_at: Mapped[datetime]


class IdempotencyKeyRow(Base):
    """A request that was sent with an idempotency key, and its answer once it has one."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("idempotency_keys_by_time", "tenant", "started_at"),)

    tenant: Mapped[Key]
    key: Mapped[Key]
    path: Mapped[str]
    body_sha256: Mapped[str]
    started_at: Mapped[datetime]
    status_code: Mapped[int | None]
    response: Mapped[str | None]
    content_type: Mapped[str | None]
