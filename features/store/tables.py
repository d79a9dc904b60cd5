"""The tables of the store; each row belongs to a tenant."""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Double,
    Index,
    LargeBinary,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

VERSION_TABLE = "precedent_alembic_version"


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time that comes back in UTC, also from SQLite, which keeps no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Turn the time into UTC; one without a zone is refused, for it could mean anything."""
        if value is not None and value.tzinfo is None:
            raise ValueError(f"the time {value} has no time zone")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Give the time back aware."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# Collation C sorts by bytes, as SQLite does: the order of ids is the same on both databases.
_ID = Text().with_variant(Text(collation="C"), "postgresql")
Id = Annotated[str, mapped_column(_ID)]
Key = Annotated[str, mapped_column(_ID, primary_key=True)]


class Base(DeclarativeBase):
    """The common root; `metadata` lists every table of the store."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        int: BigInteger(),
        float: Double(),
        bytes: LargeBinary(),
        datetime: UtcDateTime(),
        dict[str, Any]: JSON(),
        list[Any]: JSON(),
    }


class IncidentRow(Base):
    """An incident: the columns of its report and outcome, named as in the record.

    `resolved` tells that the outcome is not open, `revision` when the row last changed.
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
    resolved: Mapped[bool]
    revision: Mapped[int]


# Hashed, since PostgreSQL would refuse a long name in any other index.
Index("incidents_by_link", IncidentRow.duplicate_of, postgresql_using="hash")
_newest_first = (IncidentRow.tenant, IncidentRow.opened_at.desc(), IncidentRow.id)
Index("incidents_by_opening", *_newest_first).ddl_if("postgresql")
# With what the inbox filters by, SQLite finds a few without reading every row. PostgreSQL reads its
# table about as fast, and would refuse a label that is too long for an index.
Index(
    "incidents_by_opening_with_labels",
    *_newest_first,
    IncidentRow.resolved,
    IncidentRow.category,
    IncidentRow.severity,
    IncidentRow.service,
).ddl_if("sqlite")


class DeletionRow(Base):
    """A deleted incident, so that workers learn of it: nothing is kept but its id."""

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


class PredictionRow(Base):
    """What one model answered about one incident, and with which version."""

    __tablename__ = "predictions"
    __table_args__ = (
        Index(
            "predictions_by_incident",
            *("tenant", "incident_id", "target", "answered_at", "prediction_id", "decision"),
        ),
        Index(
            "predictions_by_audit",
            *("tenant", "target", "answered_at"),
            sqlite_where=text("audit_share IS NOT NULL"),
            postgresql_where=text("audit_share IS NOT NULL"),
        ),
    )

    tenant: Mapped[Key]
    prediction_id: Mapped[Key]
    target: Mapped[Key]
    request_id: Mapped[str]
    incident_id: Mapped[Id]
    model_version: Mapped[str]
    label: Mapped[str]
    confidence: Mapped[float]
    decision: Mapped[str]
    mode: Mapped[str] = mapped_column(server_default="monitor")
    answer: Mapped[dict[str, Any]]
    answered_at: Mapped[datetime]
    audit_share: Mapped[float | None]
    seconds: Mapped[float | None]


_by_answering = (PredictionRow.tenant, PredictionRow.answered_at)
Index("predictions_by_time", *_by_answering).ddl_if("postgresql")
# SQLite would read each whole answer to get at what is behind it in the row. PostgreSQL keeps long
# answers elsewhere, and would refuse a label that is too long for an index.
Index(
    "predictions_by_time_with_labels",
    *_by_answering,
    PredictionRow.target,
    PredictionRow.prediction_id,
    PredictionRow.incident_id,
    PredictionRow.model_version,
    PredictionRow.label,
    PredictionRow.confidence,
    PredictionRow.decision,
    PredictionRow.mode,
    PredictionRow.audit_share,
    PredictionRow.seconds,
).ddl_if("sqlite")


class ModeRow(Base):
    """What the owner allows for a target, or for one label of it; '' is the whole target."""

    __tablename__ = "modes"

    tenant: Mapped[Key]
    target: Mapped[Key]
    label: Mapped[Key]
    mode: Mapped[str]
    set_at: Mapped[datetime]


class RunbookRow(Base):
    """A runbook; `sections` holds an object for each, named as in the record."""

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


class FeedbackRow(Base):
    """What somebody said of an answer, or with a `subject` of one entry of it; '' is the whole."""

    __tablename__ = "feedback"
    __table_args__ = (Index("feedback_by_incident", "tenant", "incident_id"),)

    tenant: Mapped[Key]
    prediction_id: Mapped[Key]
    target: Mapped[Key]
    subject: Mapped[Key]
    given_by: Mapped[Key]
    incident_id: Mapped[Id]
    action: Mapped[str]
    label: Mapped[str | None]
    given_at: Mapped[datetime]
    source: Mapped[str]
    helped: Mapped[bool | None]


class ChangeRow(Base):
    """A change to a service; `service_key` is the service as it is compared."""

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
    """An anomaly of a series; a number that is none, as in a gap, is null."""

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


class SeriesRow(Base):
    """How far a watch has read a series, and what the detector remembers of it."""

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


class LeaseRow(Base):
    """Who of several processes does a job, and until when unless they say so again."""

    __tablename__ = "leases"

    tenant: Mapped[Key]
    name: Mapped[Key]
    holder: Mapped[str]
    expires_at: Mapped[datetime]
