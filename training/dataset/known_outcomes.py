"""Holds out the newest incidents, and keeps of the others what was known when these opened."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from features.domain.report import Outcome, ResolvedIncident
from models.resolution.observations import Rows, latest_time
from models.resolution.past_contexts import is_dated, learning_order

_NEWEST = 0.25


@dataclass(frozen=True, slots=True)
class PastAndNewest:
    """A history in two parts: the `past` as it was known at `starts_at`, and the `newest` quarter.

    `newest_rows` are the rows of the newest among `all_incidents`. `starts_at` is None if the
    incidents have no usable times; then the newest are drawn at random. `ends_at` is the latest
    known time.
    """

    all_incidents: tuple[ResolvedIncident, ...]
    past: tuple[ResolvedIncident, ...]
    newest_rows: Rows
    starts_at: datetime | None
    ends_at: datetime | None

    @property
    def newest(self) -> list[ResolvedIncident]:
        """The newest incidents."""
        return [self.all_incidents[row] for row in self.newest_rows.tolist()]

    @property
    def description(self) -> str:
        """How the incidents were held out, in words."""
        if self.starts_at is None:
            return "a random quarter, judged by a model of the rest (no usable times)"
        return f"incidents opened since {self.starts_at:%Y-%m-%d}, judged by a model of their past"


def hold_out_newest(incidents: Sequence[ResolvedIncident], *, seed: int = 0) -> PastAndNewest:
    """Hold out the newest quarter of the incidents; outcomes of the past that came later are open.

    >>> from datetime import UTC
    >>> from features.domain.report import IncidentReport
    >>> march = [datetime(2026, 3, day, tzinfo=UTC) for day in range(1, 9)]
    >>> late = Outcome(resolved_at=march[7])
    >>> held_out = hold_out_newest(
    ...     [ResolvedIncident(IncidentReport(str(day), day), late) for day in march])
    >>> len(held_out.newest), {incident.outcome.is_open for incident in held_out.past}
    (2, {True})
    """
    order = learning_order(incidents, seed=seed)
    count = round(_NEWEST * len(order))
    past_rows, newest_rows = order[: len(order) - count], order[len(order) - count :]
    starts_at = None
    if is_dated(incidents) and count:
        starts_at = incidents[int(newest_rows[0])].report.opened_at
    past = (incidents[row] for row in past_rows.tolist())
    return PastAndNewest(
        tuple(incidents),
        tuple(known_at(incident, starts_at) for incident in past),
        newest_rows,
        starts_at,
        latest_time(incidents),
    )


def known_at(incident: ResolvedIncident, moment: datetime | None) -> ResolvedIncident:
    """Return an incident without the outcome that it got later; without a moment, unchanged."""
    resolved_at = incident.outcome.resolved_at
    if moment is None or resolved_at is None or resolved_at < moment:
        return incident
    return replace(incident, outcome=Outcome())
