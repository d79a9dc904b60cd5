"""What to tell people: anomalies of one group that come together are one notification."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from features.domain.series_anomaly import SeriesAnomaly
from serving.watch.series_keys import SeriesKey

TOGETHER = timedelta(minutes=10)
SENT_AGAIN_AFTER = timedelta(minutes=1)
_REMEMBERED = timedelta(hours=24)


@dataclass(slots=True)
class Notification:
    """Anomalies of one group, by id, that were detected within ten minutes of one another.

    It fires until all have ended. The one detected first leads: its series and onset name the
    alert, so that a restart names it just so again. `sent_at` is None until it was sent once.
    """

    group: str
    anomalies: dict[str, SeriesAnomaly] = field(default_factory=dict)
    sent_at: datetime | None = None
    lead_id: str | None = None
    changed: bool = True
    detected: set[datetime] = field(default_factory=set)

    @property
    def lead(self) -> SeriesAnomaly:
        """The anomaly that names the alert; it stays the same once the alert was sent."""
        if self.lead_id is not None:
            return self.anomalies[self.lead_id]
        return min(self.anomalies.values(), key=lambda a: (a.detected_at, a.onset_at, a.id))

    @property
    def ended_at(self) -> datetime | None:
        """When the last of them ended, None while one lasts."""
        ends = [anomaly.ended_at for anomaly in self.anomalies.values()]
        known = [end for end in ends if end is not None]
        return max(known) if len(known) == len(ends) else None

    def put(self, anomaly: SeriesAnomaly) -> None:
        """Add the anomaly, or put it in place of what was known of it."""
        before = self.anomalies.get(anomaly.id)
        self.changed |= before is None or before.ended_at != anomaly.ended_at
        self.anomalies[anomaly.id] = anomaly
        self.detected.add(anomaly.detected_at)

    def welcomes(self, anomaly: SeriesAnomaly) -> bool:
        """Tell whether an anomaly of the group belongs here.

        While it fires it takes in whatever its leading series does: Alertmanager could not tell
        two such alerts apart.
        """
        if any(abs(time - anomaly.detected_at) <= TOGETHER for time in self.detected):
            return True
        if self.ended_at is not None:
            return False
        return SeriesKey.of_anomaly(self.lead.id) == SeriesKey.of_anomaly(anomaly.id)


class NotificationGroups:
    """All notifications that fire, and those of the last day that a late anomaly may join."""

    def __init__(self) -> None:
        self._notifications: list[Notification] = []

    @property
    def firing(self) -> list[Notification]:
        """The notifications that fire."""
        return [each for each in self._notifications if each.ended_at is None]

    def restore(self, anomalies: Iterable[SeriesAnomaly], now: datetime) -> None:
        """Take up what a watch before this one kept; what lasts counts as sent by it."""
        self.take(anomalies, now)
        for notification in self.firing:
            notification.lead_id, notification.sent_at = notification.lead.id, now - TOGETHER

    def refresh(self, anomalies: Iterable[SeriesAnomaly]) -> None:
        """Bring those of the anomalies up to date that are in a notification already."""
        for anomaly in anomalies:
            for notification in self._notifications:
                if anomaly.id in notification.anomalies:
                    notification.put(anomaly)

    def take(self, anomalies: Iterable[SeriesAnomaly], now: datetime) -> None:
        """Put each anomaly where it belongs, or bring it up to date there."""
        for anomaly in sorted(anomalies, key=lambda each: (each.detected_at, each.id)):
            self._place(anomaly).put(anomaly)
        self._notifications = [
            each
            for each in self._notifications
            if each.ended_at is None or each.ended_at >= now - _REMEMBERED
        ]

    def due(self, now: datetime) -> list[Notification]:
        """Return what to send: what fires, each minute anew, and what has ended since it was sent.

        What had ended before anybody could be told is not sent.
        """
        return [each for each in self._notifications if _is_due(each, now)]

    def note_sent(self, sent: Iterable[Notification], now: datetime) -> list[Notification]:
        """Remember that these were sent, and return those that were for the first time."""
        first = []
        for notification in sent:
            if notification.sent_at is None:
                first.append(notification)
            notification.lead_id = notification.lead.id
            notification.sent_at, notification.changed = now, False
        return first

    def _place(self, anomaly: SeriesAnomaly) -> Notification:
        group = SeriesKey.of_anomaly(anomaly.id).group
        of_group = [each for each in self._notifications if each.group == group]
        for notification in of_group:
            if anomaly.id in notification.anomalies:
                return notification
        for notification in of_group:
            if notification.welcomes(anomaly):
                return notification
        begun = Notification(group)
        self._notifications.append(begun)
        return begun


def _is_due(notification: Notification, now: datetime) -> bool:
    if notification.ended_at is not None:
        return notification.sent_at is not None and notification.changed
    if notification.sent_at is None or notification.changed:
        return True
    # What a clock that was ahead has sent counts as long ago.
    return abs(now - notification.sent_at) >= SENT_AGAIN_AFTER
