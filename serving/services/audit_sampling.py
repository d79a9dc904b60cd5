"""Chooses the answers that a person checks without having seen them: an honest sample of `auto`."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from features.domain.modes import Mode
from models.base.predictions import Decision
from serving.schemas.answers import Answer

HELD_BACK = "audit sample: a person decides first, without seeing this answer"

_HASHES = 2.0**64


@dataclass(frozen=True, slots=True)
class AuditSample:
    """Draws a `share` (0..1) of what would be acted upon without a person.

    Whether an incident is drawn hangs on nothing but its id, so that asking again, of another
    worker or another version, reveals nothing.

    >>> AuditSample("default", 1.0).holds("category", "INC1")
    True
    >>> drawn = [AuditSample("default", 0.05).holds("category", str(n)) for n in range(1_000)]
    >>> sum(drawn)
    48
    """

    tenant: str
    share: float

    def drawn(self, incident_id: str, answers: Mapping[str, Answer]) -> frozenset[str]:
        """Return the targets whose answers about an incident are to be held back."""
        return frozenset(
            target
            for target, answer in answers.items()
            if answer.decision == Decision.AUTO
            and answer.mode is Mode.AUTO
            and self.holds(target, incident_id)
        )

    def holds(self, target: str, incident_id: str) -> bool:
        """Tell whether an incident is in the sample of a target."""
        # Lengths keep two names apart that would read alike when put together.
        named = f"{len(self.tenant)} {len(target)} {self.tenant}{target}{incident_id}"
        first = sha256(named.encode("utf-8", "surrogatepass")).digest()[:8]
        return int.from_bytes(first) / _HASHES < self.share
