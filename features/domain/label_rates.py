"""How often a target's labels occur lately, against what its champion expects."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class LabelRates:
    """The rates of a target's labels lately, as log factors on a version's probabilities.

    The version's probability of a label is multiplied by the exponential of its factor, and all
    are divided by their sum. The factors rest on the newest `incidents` whose label is known,
    the oldest of them opened at `since`.
    """

    target: str
    version: str
    log_factors: Mapping[str, float]
    incidents: int
    since: datetime
    updated_at: datetime

    def describe(self) -> str:
        """Return in words which labels are more or less frequent than the version expects.

        >>> from datetime import UTC
        >>> at = datetime(2026, 3, 1, tzinfo=UTC)
        >>> LabelRates("severity", "3", {"low": 1.1, "high": -0.7}, 40, at, at).describe()
        'in the newest 40 labelled incidents, since 2026-03-01, low x 3.0, high x 0.5'
        """
        changed = sorted(self.log_factors.items(), key=lambda item: -abs(item[1]))[:_MOST_NAMED]
        factors = ", ".join(f"{label} x {math.exp(factor):.1f}" for label, factor in changed)
        return (
            f"in the newest {self.incidents:,} labelled incidents, since {self.since:%Y-%m-%d}, "
            f"{factors}"
        )
