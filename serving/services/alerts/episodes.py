"""Decides which incident a delivery of alerts belongs to, and how it changes that incident."""

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain, count
from typing import Literal

from features.domain.alerts.alert_severity import severity_label
from features.domain.report import Outcome, ResolvedIncident, Status
from features.domain.tracking import TrackedIncident, Tracking
from serving.services.alerts.alert_report import alert_report, most_severe
from serving.services.alerts.delivery import Delivery
from serving.services.alerts.known_alerts import continues, known_until, merge_alerts, states
from serving.services.alerts.report_edits import differs, rewrite_report

RESOLUTION = "resolved by alertmanager"
"""The resolution of incidents whose alerts ended; it counts as no recorded fix."""

Effect = Literal["opened", "updated", "resolved", "unchanged", "heartbeat"]

FLAPPING_WITHIN = timedelta(minutes=10)
"""Alerts that fire again within this time after they ended continue their incident."""


@dataclass(frozen=True, slots=True)
class EpisodeDecision:
    """What a delivery does: the incident it concerns, those to write, and whether to triage it."""

    effect: Effect
    incident: TrackedIncident | None = None
    written: tuple[TrackedIncident, ...] = ()
    is_triaged: bool = False


def decide_episode(
    stored: Sequence[TrackedIncident], delivery: Delivery, stale_after: timedelta
) -> EpisodeDecision:
    """Decide what a delivery does to its group's incidents, which are given oldest first.

    A firing alert joins the open incident. If it began more than `stale_after` after everything
    that is known of that incident, the end of that incident was missed: it becomes stale, and a new
    incident names it. A firing alert that began before its last incident was resolved, or within
    ten minutes after that, reopens it unless a person resolved it. Any other firing alert opens an
    incident. An incident is resolved when each of its alerts has ended.
    """
    last = stored[-1] if stored else None
    current = _current(stored)
    if not delivery.firing:
        return _end_alerts(current or last, delivery)
    if current is not None:
        if _is_new_episode(current, delivery, stale_after):
            return _open(delivery, stored, previous=current)
        return _join(current, _without_finished(delivery, stored, current))
    for tracked in reversed(stored):
        if _is_same_episode(tracked, delivery):
            return _reopen(tracked, delivery, stored)
    if last is not None and _fires_again_soon(last, delivery):
        tracking = replace(last.tracking, reopenings=last.tracking.reopenings + 1)
        return _reopen(replace(last, tracking=tracking), delivery, stored)
    return _open(delivery, stored, previous=last)


def _current(stored: Sequence[TrackedIncident]) -> TrackedIncident | None:
    """Return the group's open incident; a stale one only if no other incident came after it."""
    if stored and not _is_over(stored[-1]):
        return stored[-1]
    is_open = (tracked for tracked in reversed(stored) if not _is_over(tracked))
    return next(
        (one for one in is_open if one.incident.outcome.effective_status is Status.OPEN), None
    )


def _without_finished(
    delivery: Delivery, stored: Sequence[TrackedIncident], current: TrackedIncident
) -> Delivery:
    """Return the delivery without the firings of an incident that a person resolved."""
    joined = {alert.fingerprint for alert in current.alerts}
    finished = {
        (alert.fingerprint, alert.began_at)
        for tracked in stored
        if _is_over(tracked) and tracked.incident.outcome.resolution != RESOLUTION
        for alert in tracked.alerts
    }
    alerts = tuple(
        alert
        for alert in delivery.alerts
        if alert.fingerprint in joined or (alert.fingerprint, alert.began_at) not in finished
    )
    return replace(delivery, alerts=alerts)


def _open(
    delivery: Delivery, stored: Sequence[TrackedIncident], previous: TrackedIncident | None
) -> EpisodeDecision:
    opened_at = delivery.began_at
    peak = most_severe(severity_label(alert.labels) for alert in delivery.firing)
    new_id = _new_id(delivery, {tracked.incident.report.id for tracked in stored})
    report = alert_report(new_id, opened_at, delivery.firing, delivery.facts, peak)
    tracking = Tracking(
        previous_id=None if previous is None else previous.incident.report.id, peak_severity=peak
    )
    alerts = merge_alerts((), delivery)
    new = TrackedIncident(ResolvedIncident(report, Outcome(status=Status.OPEN)), tracking, alerts)
    ended = () if previous is None or _is_over(previous) else (_stale(previous),)
    return EpisodeDecision("opened", new, (*ended, new), is_triaged=True)


def _new_id(delivery: Delivery, taken: Container[str]) -> str:
    began_at = delivery.began_at
    first = f"{delivery.prefix}{began_at:%Y%m%dT%H%M%S}{began_at.microsecond // 1000:03d}"
    others = (f"{first}-{number}" for number in count(2))
    return next(name for name in chain((first,), others) if name not in taken)


def _join(current: TrackedIncident, delivery: Delivery) -> EpisodeDecision:
    joined = _updated(current, delivery)
    is_changed = joined.incident != current.incident or states(joined.alerts) != states(
        current.alerts
    )
    return EpisodeDecision(
        "updated" if is_changed else "unchanged",
        joined,
        (joined,),
        is_triaged=differs(joined.incident.report, current.incident.report),
    )


def _reopen(
    tracked: TrackedIncident, delivery: Delivery, stored: Sequence[TrackedIncident]
) -> EpisodeDecision:
    """Return the incident reopened if its alerts' end resolved it.

    If a person resolved it, it stays resolved, and alerts that it does not have open another one.
    """
    outcome = tracked.incident.outcome
    if outcome.resolution == RESOLUTION:
        reopened = replace(outcome, resolved_at=None, resolution=None, status=Status.OPEN)
        opened = replace(tracked, incident=replace(tracked.incident, outcome=reopened))
        updated = _updated(opened, delivery)
        return EpisodeDecision("opened", updated, (updated,), is_triaged=True)
    known = {alert.fingerprint: alert for alert in tracked.alerts}
    new = tuple(
        alert for alert in delivery.firing if not continues(alert, known.get(alert.fingerprint))
    )
    if new and known:
        return _open(replace(delivery, alerts=new), stored, previous=tracked)
    heard = replace(tracked, alerts=merge_alerts(tracked.alerts, delivery))
    return EpisodeDecision("unchanged", tracked, (heard,))


def _end_alerts(target: TrackedIncident | None, delivery: Delivery) -> EpisodeDecision:
    if target is None:
        return EpisodeDecision("unchanged")
    updated = _updated(target, delivery)
    still_firing = [alert for alert in updated.alerts if alert.is_firing]
    if _is_over(target) or still_firing:
        is_changed = states(updated.alerts) != states(target.alerts)
        return EpisodeDecision(
            "updated" if is_changed and not _is_over(target) else "unchanged",
            updated,
            (updated,),
            is_triaged=differs(updated.incident.report, target.incident.report),
        )
    ends = (alert.ended_at for alert in updated.alerts)
    outcome = target.incident.outcome
    over = replace(
        outcome,
        resolved_at=max((end for end in ends if end), default=delivery.arrived_at),
        resolution=outcome.resolution or RESOLUTION,
        status=Status.RESOLVED,
    )
    resolved = replace(updated, incident=replace(updated.incident, outcome=over))
    return EpisodeDecision("resolved", resolved, (resolved,))


def _updated(tracked: TrackedIncident, delivery: Delivery) -> TrackedIncident:
    """Return an incident with the alerts of a delivery, and the report that follows from them."""
    alerts = merge_alerts(tracked.alerts, delivery)
    if not tracked.alerts:
        # The incident was stored before alerts were kept, or without them: the report stays.
        return replace(tracked, alerts=alerts)
    firing = [alert for alert in alerts if alert.is_firing]
    severities = (severity_label(alert.labels) for alert in firing)
    peak = most_severe((tracked.tracking.peak_severity, *severities))
    tracking = replace(tracked.tracking, peak_severity=peak)
    outcome = tracked.incident.outcome
    if firing and outcome.status is Status.STALE:
        outcome = replace(outcome, status=Status.OPEN)
    old = tracked.incident.report
    report = old
    if firing and not _is_over(tracked):
        report = rewrite_report(tracked, firing, delivery, peak)
    if report != old and tracking.opening is None:
        tracking = replace(tracking, opening=old)
    return TrackedIncident(ResolvedIncident(report, outcome), tracking, alerts)


def _stale(tracked: TrackedIncident) -> TrackedIncident:
    outcome = replace(tracked.incident.outcome, status=Status.STALE)
    return replace(tracked, incident=replace(tracked.incident, outcome=outcome))


def _is_over(tracked: TrackedIncident) -> bool:
    outcome = tracked.incident.outcome
    return outcome.resolved_at is not None or outcome.status is Status.RESOLVED


def _is_new_episode(current: TrackedIncident, delivery: Delivery, stale_after: timedelta) -> bool:
    firings = {(alert.fingerprint, alert.began_at) for alert in current.alerts}
    if not firings or any(
        (alert.fingerprint, alert.began_at) in firings for alert in delivery.firing
    ):
        return False
    ends = (known_until(alert) for alert in current.alerts)
    last = max((end for end in ends if end is not None), default=None)
    return last is not None and delivery.began_at > last + stale_after


def _is_same_episode(tracked: TrackedIncident, delivery: Delivery) -> bool:
    """Return whether the alerts began before the incident was resolved, or when it opened."""
    resolved_at = tracked.incident.outcome.resolved_at
    is_before = resolved_at is not None and delivery.began_at <= resolved_at
    return is_before or delivery.began_at == tracked.incident.report.opened_at


def _fires_again_soon(tracked: TrackedIncident, delivery: Delivery) -> bool:
    resolved_at = tracked.incident.outcome.resolved_at
    known = {alert.fingerprint for alert in tracked.alerts}
    is_known = any(alert.fingerprint in known for alert in delivery.firing)
    return (
        is_known
        and tracked.incident.outcome.resolution == RESOLUTION
        and resolved_at is not None
        and delivery.began_at <= resolved_at + FLAPPING_WITHIN
    )
