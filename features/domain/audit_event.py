"""An entry of the audit log: who or what did what to which model, when and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One entry: `actor` is a person, or `precedent` where it acted by itself.

    `action` is one of train, promote, refuse, rollback, mode, withdraw, retrain and found.
    `details` hold types that JSON knows: a data hash, differences with their intervals.
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
        """The action, of a retraining also whether that began, finished or failed."""
        return " ".join(filter(None, (self.action, str(self.details.get("state") or ""))))
