"""What a watched series does again and again, as it was announced to people."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SeriesRoutine:
    """Excursions of a watched series that recur alike, and so raise no more flags.

    `id` is derived from the series and the time of the announcement; the routine keeps it while it
    goes on. `series_key` is the key under which the watch stores the series. `direction` is `up` or
    `down`. `at` is the local time of day, with the weekday if `every` is `week`, None if `every` is
    `irregular`. `duration_seconds` is the longest, `lower` and `upper` are the lowest and highest
    values, in `unit`. `learned_at` is when the routine was announced. `ended_at` is when it was
    found to be none any more, None while it is one. Since `revoked_at` it is flagged again.
    """

    id: str
    series_key: str
    series: str
    service: str | None
    unit: str | None
    direction: str
    at: str | None
    every: str
    duration_seconds: float
    lower: float
    upper: float
    days_seen: int
    learned_at: datetime
    ended_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None
