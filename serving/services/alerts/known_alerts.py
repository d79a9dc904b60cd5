"""What is known of the alerts of an incident, as one delivery after the other changes it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from features.domain.alerts.alert import Alert
from serving.services.alerts.delivery import Delivery


def merge_alerts(known: Iterable[Alert], delivery: Delivery) -> tuple[Alert, ...]:
    """Return the known alerts as they were last reported, in the order in which they joined."""
    alerts = {alert.fingerprint: alert for alert in known}
    if delivery.ends_all:
        alerts = {
            name: replace(alert, is_firing=False, ended_at=alert.ended_at or delivery.arrived_at)
            for name, alert in alerts.items()
        }
    for alert in delivery.alerts:
        old = alerts.get(alert.fingerprint)
        if old is None:
            if not delivery.ends_all:
                alerts[alert.fingerprint] = replace(alert, number=len(alerts))
        elif not _is_about_earlier_firing(alert, old):
            is_same = old.began_at == alert.began_at
            alerts[alert.fingerprint] = replace(
                alert,
                first_seen_at=old.first_seen_at,
                number=old.number,
                # The members of a cluster each have an address of their own.
                generator_url=old.generator_url if is_same else alert.generator_url,
            )
    return tuple(alerts.values())


def _is_about_earlier_firing(received: Alert, known: Alert) -> bool:
    """Return whether news of an earlier firing arrives late."""
    if known.began_at is None:
        return False
    time = received.began_at or received.ended_at
    return time is not None and time < known.began_at


def known_until(alert: Alert) -> datetime | None:
    """Return until when an alert is known to have fired, by the sender's clock.

    The time for which it was heard is added to its beginning, because the clock of the sender and
    the times of arrival need not agree.
    """
    if alert.ended_at is not None or alert.began_at is None:
        return alert.ended_at
    if alert.first_seen_at is None or alert.last_seen_at is None:
        return alert.began_at
    return alert.began_at + (alert.last_seen_at - alert.first_seen_at)


def continues(alert: Alert, known: Alert | None) -> bool:
    """Return whether an alert still fires as it did when it was last heard of."""
    if known is None:
        return False
    return alert.began_at is None or known.began_at is None or alert.began_at <= known.began_at


def states(alerts: Iterable[Alert]) -> tuple[object, ...]:
    """Return what a delivery may change about the alerts, except when they were heard."""
    return tuple(
        (alert.fingerprint, alert.is_firing, alert.began_at, alert.ended_at, dict(alert.labels))
        for alert in alerts
    )
