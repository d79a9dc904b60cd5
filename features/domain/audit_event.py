"""An entry of the audit log: who did what to which model, when and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """An entry of the audit log.

    `actor` is a person's name, or `precedent` when the program acted by itself. `action` is one of
    train, promote, refuse, rollback, mode, withdraw, suspend, resume, reveal, retrain, found,
    label rates, revoke routine and restore routine.
    `details` are JSON values, such as a hash of the data, or differences with their confidence
    intervals.
    """

    at: datetime
    actor: str
    action: str
    target: str | None
    version: str | None
    reason: str
    details: Mapping[str, Any]

    @property
    def what(self) -> str:
        """The action; for a retraining also its state, such as started, finished or failed."""
        return " ".join(filter(None, (self.action, str(self.details.get("state") or ""))))
