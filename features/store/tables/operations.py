"""The tables of what is operated: the audit log, answer modes and leases."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped

from features.store.tables.base import Base, Key, Number


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


class ModeRow(Base):
    """What the owner allows for a target, or for one label of it; '' is the whole target."""

    __tablename__ = "modes"

    tenant: Mapped[Key]
    target: Mapped[Key]
    label: Mapped[Key]
    mode: Mapped[str]
    set_at: Mapped[datetime]


class LeaseRow(Base):
    """Who of several processes does a job, and until when unless they say so again."""

    __tablename__ = "leases"

    tenant: Mapped[Key]
    name: Mapped[Key]
    holder: Mapped[str]
    expires_at: Mapped[datetime]
