"""Orders past incidents, so that each can be compared with those before it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.domain.report import IncidentReport

Rows = NDArray[np.int64]

_LEAST_DATED = 0.9


@dataclass(frozen=True, slots=True)
class IncidentOrder:
    """The rows of incidents, the first first, with the moment and the near-copy group of each.

    `moments` never fall. Without usable times they are random, and equal for near-copies.
    """

    rows: Rows
    moments: NDArray[np.float64]
    copies: Rows

    def newest(self, count: int) -> "IncidentOrder":
        """Return the last `count` incidents."""
        return IncidentOrder(self.rows[-count:], self.moments[-count:], self.copies[-count:])

    def references(self, before: float, count: int) -> Rows:
        """Return the places of at most `count` incidents before a moment, the newest ones.

        Of each near-copy group, the first incident is returned.
        """
        past = np.searchsorted(self.moments, before, side="left")
        firsts = np.unique(self.copies[:past], return_index=True)[1]
        return np.asarray(np.sort(firsts)[-count:], dtype=np.int64)


def order_incidents(
    reports: Sequence[IncidentReport], copies: Rows, *, seed: int = 0
) -> IncidentOrder:
    """Order incidents by opening time if at least 90% have one, else by near-copy group at random.

    An incident without a time comes first.
    """
    times = np.array(
        [
            -np.inf if report.opened_at is None else report.opened_at.timestamp()
            for report in reports
        ]
    )
    if not len(times) or np.isfinite(times).mean() < _LEAST_DATED:
        random = np.random.default_rng(seed)
        times = random.permutation(int(copies.max(initial=0)) + 1)[copies].astype(np.float64)
    rows = np.argsort(times, kind="stable")
    return IncidentOrder(rows, times[rows], copies[rows])
