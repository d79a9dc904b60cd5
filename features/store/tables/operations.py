"""The tables of the audit log, modes, leases and ended sessions."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped

from features.store.tables.base import Base, Key, Number


class AuditEventRow(Base):
    """An entry of the audit log; database triggers reject every change and deletion."""

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


class ModeRow(Base):
    """The mode of a target or of one of its labels; `label` is '' for the whole target."""

    __tablename__ = "modes"

    tenant: Mapped[Key]
    target: Mapped[Key]
    label: Mapped[Key]
    mode: Mapped[str]
    set_at: Mapped[datetime]


class LeaseRow(Base):
    """The process that holds the lease of a job, and when the lease expires unless renewed."""

    __tablename__ = "leases"

    tenant: Mapped[Key]
    name: Mapped[Key]
    holder: Mapped[str]
    expires_at: Mapped[datetime]


class EndedSessionRow(Base):
    """A session of the page that was ended by signing out, and when it would have expired."""

    __tablename__ = "ended_sessions"

    tenant: Mapped[Key]
    session: Mapped[Key]
    expires_at: Mapped[datetime]
