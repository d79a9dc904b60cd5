"""The tables of what is learned from: answers, feedback, labels and what monitoring found."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from features.store.tables.base import Base, Id, Key, Number


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


class LabelRow(Base):
    """What somebody, or the final state, said is right; `number` counts a tenant's labels."""

    __tablename__ = "labels"
    __table_args__ = (
        Index("labels_by_incident", "tenant", "incident_id", "target"),
        Index("labels_by_target", "tenant", "target", "given_at"),
    )

    tenant: Mapped[Key]
    number: Mapped[Number]
    incident_id: Mapped[Id]
    target: Mapped[Id]
    label: Mapped[str]
    source: Mapped[str]
    given_by: Mapped[str]
    given_at: Mapped[datetime]
    prediction_id: Mapped[str | None]
    recorded_at: Mapped[datetime]


class WithdrawalRow(Base):
    """A label that a version may no longer answer as `auto`, and the audit that tells why."""

    __tablename__ = "withdrawals"

    tenant: Mapped[Key]
    target: Mapped[Key]
    version: Mapped[Key]
    label: Mapped[Key]
    promised: Mapped[float]
    right: Mapped[int]
    audited: Mapped[int]
    high: Mapped[float]
    withdrawn_at: Mapped[datetime]


class ShadowRow(Base):
    """What a challenger would have answered where the champion did, under the same prediction."""

    __tablename__ = "shadows"
    __table_args__ = (
        Index("shadows_by_version", "tenant", "target", "version", "answered_at"),
        Index("shadows_by_incident", "tenant", "incident_id"),
    )

    tenant: Mapped[Key]
    prediction_id: Mapped[Key]
    target: Mapped[Key]
    version: Mapped[Key]
    incident_id: Mapped[Id]
    label: Mapped[str]
    confidence: Mapped[float]
    decision: Mapped[str]
    answered_at: Mapped[datetime]


class MonitoringReportRow(Base):
    """What one look at the models in production found, as JSON."""

    __tablename__ = "monitoring"

    tenant: Mapped[Key]
    at: Mapped[datetime] = mapped_column(primary_key=True)
    found: Mapped[dict[str, Any]]


class DatasetMetadataRow(Base):
    """What a mapping said of the history that was trained on last, as JSON."""

    __tablename__ = "history_facts"

    tenant: Mapped[Key]
    facts: Mapped[dict[str, Any]]
