"""The tables of predictions, feedback, labels, shadows, monitoring and metadata.

Also those of withdrawn certificates, of suspended versions and of label rates.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from features.store.tables.base import Base, Id, Key, Number


class PredictionRow(Base):
    """The answer of one model version about one incident."""

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
    audit_group: Mapped[str | None]


_by_answering = (PredictionRow.tenant, PredictionRow.answered_at)
Index("predictions_by_time", *_by_answering).ddl_if("postgresql")
# Without this index, SQLite would read each long answer to reach the columns after it. PostgreSQL
# stores long answers elsewhere, and would refuse a label that is too long for an index.
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
    """Feedback on an answer or one of its entries; `subject` is '' for the whole answer."""

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
    """A label from a person or from a final state; `number` numbers the tenant's labels."""

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
    """A label that a version may no longer answer as `auto`, with the result of the audit."""

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


class SuspensionRow(Base):
    """A version whose answers all abstain, and why."""

    __tablename__ = "suspensions"

    tenant: Mapped[Key]
    target: Mapped[Key]
    version: Mapped[Key]
    reason: Mapped[str]
    since: Mapped[datetime]


class LabelRatesRow(Base):
    """How often a target's labels occur lately, against what its champion expects."""

    __tablename__ = "label_rates"

    tenant: Mapped[Key]
    target: Mapped[Key]
    version: Mapped[Id]
    log_factors: Mapped[dict[str, Any]]
    incidents: Mapped[int]
    since: Mapped[datetime]
    updated_at: Mapped[datetime]


class ShadowRow(Base):
    """A challenger's answer; it has the prediction id of the champion's answer."""

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
    """A monitoring report as JSON."""

    __tablename__ = "monitoring"

    tenant: Mapped[Key]
    at: Mapped[datetime] = mapped_column(primary_key=True)
    found: Mapped[dict[str, Any]]


class DatasetMetadataRow(Base):
    """The metadata of the history that was trained on last, as JSON."""

    __tablename__ = "history_facts"

    tenant: Mapped[Key]
    facts: Mapped[dict[str, Any]]
