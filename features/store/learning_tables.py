"""The tables of what is learned from use; each row belongs to a tenant."""

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from features.store.tables import Base, Id, Key

Number = Annotated[int, mapped_column(BigInteger, primary_key=True, autoincrement=False)]


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


class AuditEventRow(Base):
    """An entry of the audit log; triggers refuse to change or remove one."""

    __tablename__ = "events"

    tenant: Mapped[Key]
    number: Mapped[Number]
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    target: Mapped[str | None]
    version: Mapped[str | None]
    reason: Mapped[str]
    details: Mapped[dict[str, Any]]


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
