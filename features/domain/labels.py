"""Labels: what is right of an incident, who said so and when; the strongest of them counts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum


class LabelSource(StrEnum):
    """Where a label comes from, and so how far it may be trusted."""

    SELF_CONFIRMED = "echo"
    """The final state repeats our own `auto` answer and nobody looked: it never trains."""
    ACCEPTED = "accepted"
    """A person saw our answer and took it, by feedback or by leaving it in the final state."""
    OUTCOME = "outcome"
    """The final state, where no answer of ours had been shown."""
    REPLACED = "replaced"
    """The final state differs from the answer that was shown or acted upon."""
    CORRECTED = "corrected"
    """Feedback named another label, or a runbook that helped."""
    AUDITED = "audited"
    """A person decided on an audit sample, without seeing our answer."""

    @property
    def trust(self) -> "LabelTrust":
        """How independent of our own answers it is.

        >>> [source.trust.name for source in LabelSource][:3]
        ['SELF', 'REVIEWED', 'INDEPENDENT']
        """
        return _TRUST.get(self, LabelTrust.INDEPENDENT)


class LabelTrust(IntEnum):
    """How independent of our own answers a label is; of several the most independent counts."""

    SELF = 0
    """Our own answer, which nobody looked at."""
    REVIEWED = 1
    """A person saw our answer and took it."""
    INDEPENDENT = 2
    """A person's own word, or a final state that no answer of ours preceded."""


_TRUST = {
    LabelSource.SELF_CONFIRMED: LabelTrust.SELF,
    LabelSource.ACCEPTED: LabelTrust.REVIEWED,
}


FINAL_STATE = "final state"
"""Who gave a label that was read off an incident's outcome."""


@dataclass(frozen=True, slots=True)
class LabelRecord:
    """What is right of one target of one incident, according to somebody.

    `target` is that of a model; the label of `similar` is another incident's id, that of
    `runbooks` a runbook's. `given_at` is aware UTC: when it was said, or when the incident reached
    its final state. `prediction_id` is the answer that it judges, None where there is none.
    """

    incident_id: str
    target: str
    label: str
    source: LabelSource
    given_by: str
    given_at: datetime
    prediction_id: str | None = None


def strongest(records: Iterable[LabelRecord]) -> LabelRecord | None:
    """Return the most trusted record, of those the latest; None of none.

    Of two given at one moment the later in the order of the records counts. A final state that
    gave way to another is none: of these only the latest is weighed.

    >>> from datetime import UTC
    >>> at = datetime(2026, 3, 1, tzinfo=UTC)
    >>> said = LabelRecord("INC1", "category", "Mail", LabelSource.CORRECTED, "ann", at)
    >>> left = LabelRecord("INC1", "category", "VPN", LabelSource.ACCEPTED, "final state", at)
    >>> strongest([said, left]).label
    'Mail'
    """
    in_time = sorted(records, key=lambda record: record.given_at)
    states = [record for record in in_time if record.given_by == FINAL_STATE]
    standing = [record for record in in_time if record not in states[:-1]]
    by_trust = sorted(standing, key=lambda record: record.source.trust)
    return by_trust[-1] if by_trust else None
