"""A suspended model version: it abstains on its target until the suspension is lifted."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Suspension:
    """A model version whose answers all have the decision `abstain` since `since`.

    `reason` says in words what the version was found to do worse than its baseline.
    """

    target: str
    version: str
    reason: str
    since: datetime

    def describe(self) -> str:
        """Return the suspension as a sentence.

        >>> from datetime import UTC
        >>> at = datetime(2026, 3, 1, tzinfo=UTC)
        >>> Suspension("category", "3", "right on 5 of 40 answers", at).describe()
        'category is suspended since 2026-03-01: right on 5 of 40 answers'
        """
        return f"{self.target} is suspended since {self.since:%Y-%m-%d}: {self.reason}"
