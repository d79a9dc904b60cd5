"""Draws the audit sample: `auto` answers on which a person decides without seeing them."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from features.domain.modes import Mode
from features.domain.report import IncidentReport
from features.text.near_copy_key import near_copy_key
from models.base.predictions import Decision
from models.classification.stated_severity import states_top_severity
from serving.schemas.answers import Answer, SeverityAnswer

HELD_BACK = "audit sample: a person decides first, without seeing this answer"

_HASHES = 2.0**64
_SEVERITY = "severity"


@dataclass(frozen=True, slots=True)
class AuditSample:
    """Draws a `share` (0..1) of the answers that would be acted on without a person.

    Whether an answer is drawn depends only on the tenant, the target and the words of the report.
    So neither a repeated request nor the same text under another id reveals an answer that was
    drawn. Incidents of the highest severity, by our answer or by what the sender stated, are
    exempt: nobody should wait for the answer about them.

    >>> AuditSample("default", 1.0).includes("category", "a group")
    True
    >>> sample = AuditSample("default", 0.05)
    >>> sum(sample.includes("category", str(number)) for number in range(1_000))
    48
    """

    tenant: str
    share: float

    def sampled_targets(
        self, report: IncidentReport, answers: Mapping[str, Answer]
    ) -> frozenset[str]:
        """Return the targets whose answers about a report belong to the sample."""
        acted_on = [
            target
            for target, answer in answers.items()
            if answer.decision == Decision.AUTO and answer.mode is Mode.AUTO
        ]
        if not self.share or not acted_on or has_top_severity(report, answers.get(_SEVERITY)):
            return frozenset()
        group = near_copy_key(report)
        return frozenset(target for target in acted_on if self.includes(target, group))

    def includes(self, target: str, group: str) -> bool:
        """Return whether the sample of a target includes a group of near-copies."""
        # With the lengths, different names never give the same key.
        key = f"{len(self.tenant)} {len(target)} {self.tenant}{target}{group}"
        first_bytes = sha256(key.encode("utf-8", "surrogatepass")).digest()[:8]
        return int.from_bytes(first_bytes) / _HASHES < self.share


def has_top_severity(report: IncidentReport, severity: Answer | None) -> bool:
    """Return whether our answer or the sender gives a report the highest severity."""
    if isinstance(severity, SeverityAnswer):
        top = len(severity.alternatives)
        if top in (severity.rank, severity.stated_rank):
            return True
    return states_top_severity(report.attributes)
