"""A heartbeat: an alert that must always fire, so that its silence shows a broken alert path."""

from dataclasses import dataclass
from datetime import datetime, timedelta

_MISSED = 3
_LEAST = timedelta(minutes=1)
_UNKNOWN_INTERVAL = timedelta(hours=4)
# The members of a cluster deliver within seconds of one another.
_SAME_DELIVERY = timedelta(seconds=30)
_SHRINKING = 0.9


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """When an alert that must always fire was last heard of.

    `interval_seconds` is the usual time between two deliveries, None after the first one.
    `is_ended` says whether the sender reported its end.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    >>> heartbeat = Heartbeat("Watchdog", noon, interval_seconds=300.0)
    >>> heartbeat.is_silent(noon + timedelta(minutes=14))
    False
    >>> heartbeat.is_silent(noon + timedelta(minutes=16))
    True
    """

    name: str
    last_seen_at: datetime
    interval_seconds: float | None = None
    is_ended: bool = False

    def is_silent(self, now: datetime) -> bool:
        """Return whether it ended, or three of its deliveries in a row are missing."""
        if self.interval_seconds is None:
            interval = _UNKNOWN_INTERVAL
        else:
            interval = max(_LEAST, timedelta(seconds=self.interval_seconds))
        return self.is_ended or now - self.last_seen_at > _MISSED * interval

    def heard(self, now: datetime, *, is_ended: bool) -> "Heartbeat":
        """Return the heartbeat after another delivery; a silence does not count as an interval."""
        interval = self.interval_seconds
        gap = now - self.last_seen_at
        if gap > _SAME_DELIVERY and not self.is_silent(now):
            seconds = gap.total_seconds()
            interval = seconds if interval is None else max(seconds, interval * _SHRINKING)
        return Heartbeat(self.name, now, interval, is_ended)
