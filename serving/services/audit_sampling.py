"""Draws the audit sample: `auto` answers on which a person decides without seeing them."""

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
    """Draws a `share` (0..1) of the answers that would be acted on without a person.

    Whether an answer is drawn depends only on the tenant, the target and the id of the incident. So
    a repeated request, also to another worker or version, does not reveal an answer that was drawn.

    >>> AuditSample("default", 1.0).includes("category", "INC1")
    True
    >>> sample = AuditSample("default", 0.05)
    >>> sum(sample.includes("category", str(number)) for number in range(1_000))
    48
    """

    tenant: str
    share: float

    def sampled_targets(self, incident_id: str, answers: Mapping[str, Answer]) -> frozenset[str]:
        """Return the targets whose answers about an incident belong to the sample."""
        return frozenset(
            target
            for target, answer in answers.items()
            if answer.decision == Decision.AUTO
            and answer.mode is Mode.AUTO
            and self.includes(target, incident_id)
        )

    def includes(self, target: str, incident_id: str) -> bool:
        """Return whether the sample of a target includes an incident."""
        # With the lengths, different names never give the same key.
        key = f"{len(self.tenant)} {len(target)} {self.tenant}{target}{incident_id}"
        first_bytes = sha256(key.encode("utf-8", "surrogatepass")).digest()[:8]
        return int.from_bytes(first_bytes) / _HASHES < self.share
