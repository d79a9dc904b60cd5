"""Groups anomalies of the same group, detected within minutes, into one notification."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from features.domain.telemetry.series_anomaly import SeriesAnomaly
from serving.watch.series_keys import SeriesKey

TOGETHER = timedelta(minutes=10)
SENT_AGAIN_AFTER = timedelta(minutes=1)
TOLD_AFTER = timedelta(minutes=10)
_KEPT = timedelta(hours=24)


@dataclass(slots=True)
class Notification:
    """The anomalies of one group that are sent together as one alert.

    `anomalies` holds them by id. The notification fires until all its anomalies have ended. The
    lead is the anomaly that was detected first. The alert is identified by the lead's series and
    starts at the lead's onset, so both are the same after a restart. `sent_at` is None until the
    notification was sent. `is_untold` says that something began of which nobody was told.
    """

    group: str
    anomalies: dict[str, SeriesAnomaly] = field(default_factory=dict)
    sent_at: datetime | None = None
    lead_id: str | None = None
    changed: bool = True
    is_untold: bool = True
    detected: set[datetime] = field(default_factory=set)

    @property
    def lead(self) -> SeriesAnomaly:
        """The anomaly that identifies the alert; it stays the same once the alert was sent."""
        if self.lead_id is not None:
            return self.anomalies[self.lead_id]
        return min(self.anomalies.values(), key=_detection_order)

    @property
    def ended_at(self) -> datetime | None:
        """The latest end of the anomalies, None while any of them lasts."""
        ends = [anomaly.ended_at for anomaly in self.anomalies.values()]
        past_ends = [end for end in ends if end is not None]
        return max(past_ends) if len(past_ends) == len(ends) else None

    def put(self, anomaly: SeriesAnomaly) -> None:
        """Add an anomaly, or replace its earlier state."""
        before = self.anomalies.get(anomaly.id)
        self.changed |= before is None or before.ended_at != anomaly.ended_at
        self.is_untold |= before is None or _began_again(before, anomaly)
        self.anomalies[anomaly.id] = anomaly
        self.detected.add(anomaly.detected_at)

    def accepts(self, anomaly: SeriesAnomaly) -> bool:
        """Return whether an anomaly of the group belongs to this notification.

        It belongs if it was detected within ten minutes of one of the notification's anomalies.
        While the notification fires, every anomaly of its leading series belongs to it, because
        Alertmanager could not distinguish two alerts of one series.
        """
        if any(abs(time - anomaly.detected_at) <= TOGETHER for time in self.detected):
            return True
        if self.ended_at is not None:
            return False
        return SeriesKey.of_anomaly(self.lead.id) == SeriesKey.of_anomaly(anomaly.id)


class NotificationGroups:
    """The notifications that fire, and those that ended in the last 24 hours.

    An ended notification is kept because anomalies that are found late may belong to it.
    """

    def __init__(self) -> None:
        self._notifications: list[Notification] = []

    @property
    def firing(self) -> list[Notification]:
        """The notifications that fire."""
        return [
            notification for notification in self._notifications if notification.ended_at is None
        ]

    def restore(self, anomalies: Iterable[SeriesAnomaly], now: datetime) -> None:
        """Continue with the anomalies of an earlier watch; their notifications count as sent."""
        self.add(anomalies, now)
        for notification in self._notifications:
            notification.is_untold = False
        for notification in self.firing:
            notification.lead_id, notification.sent_at = notification.lead.id, now - TOGETHER

    def refresh(self, anomalies: Iterable[SeriesAnomaly]) -> None:
        """Update the anomalies that already belong to a notification."""
        for anomaly in anomalies:
            for notification in self._notifications:
                if anomaly.id in notification.anomalies:
                    notification.put(anomaly)

    def add(self, anomalies: Iterable[SeriesAnomaly], now: datetime) -> None:
        """Add or update each anomaly in the notification to which it belongs."""
        for anomaly in sorted(anomalies, key=lambda anomaly: (anomaly.detected_at, anomaly.id)):
            self._notification_of(anomaly).put(anomaly)
        self._notifications = [
            notification
            for notification in self._notifications
            if notification.ended_at is None or notification.ended_at >= now - _KEPT
        ]

    def due(self, now: datetime) -> list[Notification]:
        """Return the notifications to send now.

        A changed notification is sent at once, and a firing notification again every minute. What
        began and ended while nobody watched is told of if it ended in the last ten minutes.
        """
        return [notification for notification in self._notifications if _is_due(notification, now)]

    def record_sent(
        self, notifications: Iterable[Notification], now: datetime
    ) -> list[Notification]:
        """Record that notifications were sent, and return those sent for the first time."""
        new = []
        for notification in notifications:
            if notification.sent_at is None:
                new.append(notification)
            notification.lead_id = notification.lead.id
            notification.sent_at, notification.changed = now, False
            notification.is_untold = False
        return new

    def _notification_of(self, anomaly: SeriesAnomaly) -> Notification:
        group = SeriesKey.of_anomaly(anomaly.id).group
        candidates = [
            notification for notification in self._notifications if notification.group == group
        ]
        for notification in candidates:
            if anomaly.id in notification.anomalies:
                return notification
        for notification in candidates:
            if notification.accepts(anomaly):
                return notification
        notification = Notification(group)
        self._notifications.append(notification)
        return notification


def _began_again(before: SeriesAnomaly, now: SeriesAnomaly) -> bool:
    """Tell whether an anomaly that had ended went on after its end."""
    return before.ended_at is not None and (now.ended_at is None or now.ended_at > before.ended_at)


def _detection_order(anomaly: SeriesAnomaly) -> tuple[datetime, datetime, str]:
    return (anomaly.detected_at, anomaly.onset_at, anomaly.id)


def _is_due(notification: Notification, now: datetime) -> bool:
    if notification.ended_at is not None:
        if notification.is_untold:
            return now - notification.ended_at <= TOLD_AFTER
        return notification.sent_at is not None and notification.changed
    if notification.sent_at is None or notification.changed:
        return True
    # A time far in the future, recorded while the clock was ahead, counts as long ago.
    return abs(now - notification.sent_at) >= SENT_AGAIN_AFTER
