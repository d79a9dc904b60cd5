"""Labels: the correct answer for an incident, who gave it and when; the strongest label counts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum


class LabelSource(StrEnum):
    """Where a label comes from, which determines how far it is trusted."""

    SELF_CONFIRMED = "echo"
    """The final state repeats our own `auto` answer, which nobody reviewed. It is never trained on.
    """
    ACCEPTED = "accepted"
    """A person saw our answer and accepted it, by feedback or by leaving it in the final state."""
    OUTCOME = "outcome"
    """The final state of an incident for which no answer of ours had been shown."""
    REPLACED = "replaced"
    """The final state differs from the answer that was shown or acted upon."""
    CORRECTED = "corrected"
    """Feedback named another label, or a runbook that helped."""
    AUDITED = "audited"
    """A person decided on an audit sample, without seeing our answer."""

    @property
    def trust(self) -> "LabelTrust":
        """How independent of our own answers a label from this source is.

        >>> [source.trust.name for source in LabelSource][:3]
        ['SELF', 'REVIEWED', 'INDEPENDENT']
        """
        return _TRUST.get(self, LabelTrust.INDEPENDENT)


class LabelTrust(IntEnum):
    """How independent of our own answers a label is; the most independent label counts."""

    SELF = 0
    """Our own answer, which nobody reviewed."""
    REVIEWED = 1
    """A person saw our answer and accepted it."""
    INDEPENDENT = 2
    """A person's own label, or a final state that was not taken from an answer of ours."""


_TRUST = {
    LabelSource.SELF_CONFIRMED: LabelTrust.SELF,
    LabelSource.ACCEPTED: LabelTrust.REVIEWED,
}


FINAL_STATE = "final state"
"""The `given_by` of a label that was read from an incident's outcome."""


@dataclass(frozen=True, slots=True)
class LabelRecord:
    """The correct label of one target of one incident, according to `given_by`.

    `target` is a model's target. The label of `similar` is another incident's id, the label of
    `runbooks` a runbook's id. `given_at` is aware UTC: when the label was given, or when the
    incident reached its final state. `prediction_id` is the answer that the label confirms or
    replaces, if any.
    """

    incident_id: str
    target: str
    label: str
    source: LabelSource
    given_by: str
    given_at: datetime
    prediction_id: str | None = None


def strongest(records: Iterable[LabelRecord]) -> LabelRecord | None:
    """Return the most trusted record, or None if there is none.

    Among equally trusted records the latest counts; among records of the same time, the last in
    the given order. Of several final states only the latest is considered: it replaced the others.

    >>> from datetime import UTC
    >>> at = datetime(2026, 3, 1, tzinfo=UTC)
    >>> correction = LabelRecord("INC1", "category", "Mail", LabelSource.CORRECTED, "ann", at)
    >>> final = LabelRecord("INC1", "category", "VPN", LabelSource.ACCEPTED, "final state", at)
    >>> strongest([correction, final]).label
    'Mail'
    """
    by_time = sorted(records, key=lambda record: record.given_at)
    final_states = [record for record in by_time if record.given_by == FINAL_STATE]
    candidates = [record for record in by_time if record not in final_states[:-1]]
    by_trust = sorted(candidates, key=lambda record: record.source.trust)
    return by_trust[-1] if by_trust else None
