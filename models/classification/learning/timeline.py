"""When incidents were opened, and when their labels became known."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import numpy as np
from numpy.typing import NDArray

from features.domain.report import ResolvedIncident

_SECONDS_A_DAY = 86_400

Days = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Timeline:
    """For each incident the moments, in days, when it opened and when its labels became known.

    An unknown moment is NaN.
    """

    opened: Days
    known: Days

    @classmethod
    def of(cls, incidents: Sequence[ResolvedIncident]) -> Self:
        """Return the moments of incidents; labels are known from the end of an incident on."""
        return cls(
            opened=_days([incident.report.opened_at for incident in incidents]),
            known=_days([incident.labels_known_at for incident in incidents]),
        )

    def take(self, rows: NDArray[np.int64]) -> Self:
        """Return the moments of these rows."""
        return type(self)(self.opened[rows], self.known[rows])


def _days(moments: Sequence[datetime | None]) -> Days:
    return np.array(
        [float("nan") if at is None else at.timestamp() / _SECONDS_A_DAY for at in moments]
    )
