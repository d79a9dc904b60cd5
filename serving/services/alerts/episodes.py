"""Decides which incident a delivery of alerts belongs to, and how it changes that incident."""

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, count
from typing import Literal

from features.domain.alerts.alert import Alert
from features.domain.alerts.alert_severity import severity_label
from features.domain.report import IncidentReport, Outcome, ResolvedIncident, Status
from features.domain.tracking import Author, TrackedIncident, Tracking
from serving.services.alerts.alert_report import alert_report, most_severe
from serving.services.alerts.delivery import Delivery

RESOLUTION = "resolved by alertmanager"
"""The resolution of incidents whose alerts ended; it counts as no recorded fix."""

Effect = Literal["opened", "updated", "resolved", "unchanged", "heartbeat"]

FLAPPING_WITHIN = timedelta(minutes=10)
"""Alerts that fire again within this time after they ended continue their incident."""

_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")
_TRUNCATED = "truncatedAlerts"
_REWRITTEN = frozenset((_TRUNCATED, "severity"))
_REPORT_FIELDS = ("title", "description", "service")


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
    """Return the delivery without the firings that belong to an incident that a person resolved."""
    joined = {alert.fingerprint for alert in current.alerts}
    finished = {
        (alert.fingerprint, alert.began_at)
        for tracked in stored
        if _is_over(tracked)
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
    alerts = _merged((), delivery)
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
    is_changed = joined.incident != current.incident or _states(joined) != _states(current)
    return EpisodeDecision(
        "updated" if is_changed else "unchanged",
        joined,
        (joined,),
        is_triaged=_differs(joined, current),
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
        alert for alert in delivery.firing if not _continues(alert, known.get(alert.fingerprint))
    )
    if new and known:
        return _open(replace(delivery, alerts=new), stored, previous=tracked)
    heard = replace(tracked, alerts=_merged(tracked.alerts, delivery))
    return EpisodeDecision("unchanged", tracked, (heard,))


def _end_alerts(target: TrackedIncident | None, delivery: Delivery) -> EpisodeDecision:
    if target is None:
        return EpisodeDecision("unchanged")
    updated = _updated(target, delivery)
    still_firing = [alert for alert in updated.alerts if alert.is_firing]
    if _is_over(target) or still_firing:
        is_changed = _states(updated) != _states(target)
        return EpisodeDecision(
            "updated" if is_changed and not _is_over(target) else "unchanged",
            updated,
            (updated,),
            is_triaged=_differs(updated, target),
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
    alerts = _merged(tracked.alerts, delivery)
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
        report = _rewritten(tracked, firing, delivery, peak)
    if report != old and tracking.opening is None:
        tracking = replace(tracking, opening=old)
    return TrackedIncident(ResolvedIncident(report, outcome), tracking, alerts)


def _rewritten(
    tracked: TrackedIncident, firing: Sequence[Alert], delivery: Delivery, peak: str | None
) -> IncidentReport:
    """Return the report of the alerts that fire now, with all that others wrote into the old one.

    What differs from the report of the earlier alerts was written by a person or by another source.
    """
    old = tracked.incident.report
    opened_at = old.opened_at or delivery.began_at
    # Facts such as the sender's address differ between the members of a cluster.
    facts = {name: old.attributes.get(name, fact) for name, fact in delivery.facts.items()}
    if _TRUNCATED in delivery.facts:
        facts[_TRUNCATED] = delivery.facts[_TRUNCATED]
    new = alert_report(old.id, opened_at, firing, facts, peak)
    earlier = [alert for alert in tracked.alerts if alert.is_firing]
    if not earlier:
        return _with_edits(new, old, old, tracked.tracking)
    generated = alert_report(old.id, opened_at, earlier, {}, tracked.tracking.peak_severity)
    return _with_edits(new, old, generated, tracked.tracking)


def _with_edits(
    new: IncidentReport, old: IncidentReport, generated: IncidentReport, tracking: Tracking
) -> IncidentReport:
    by_people = {name for name, author in tracking.authors.items() if author is Author.PERSON}
    kept = {
        name: getattr(old, name)
        for name in _REPORT_FIELDS
        if name in by_people or getattr(old, name) != getattr(generated, name)
    }
    attributes = dict(new.attributes)
    for name in {**old.attributes, **generated.attributes}:
        value = old.attributes.get(name)
        is_edited = value != generated.attributes.get(name) and name not in _REWRITTEN
        if not is_edited and f"attributes.{name}" not in by_people:
            continue
        if value is None:
            attributes.pop(name, None)
        else:
            attributes[name] = value
    return replace(new, **kept, attributes=attributes)


def _merged(known: Iterable[Alert], delivery: Delivery) -> tuple[Alert, ...]:
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
    known_until = max(
        (time for alert in current.alerts if (time := _known_until(alert)) is not None),
        default=None,
    )
    return known_until is not None and delivery.began_at > known_until + stale_after


def _known_until(alert: Alert) -> datetime | None:
    """Return until when an alert is known to have fired, by the sender's clock.

    The time for which it was heard is added to its beginning, because the clock of the sender and
    the times of arrival need not agree.
    """
    if alert.ended_at is not None or alert.began_at is None:
        return alert.ended_at
    if alert.first_seen_at is None or alert.last_seen_at is None:
        return alert.began_at
    return alert.began_at + (alert.last_seen_at - alert.first_seen_at)


def _is_same_episode(tracked: TrackedIncident, delivery: Delivery) -> bool:
    """Return whether the alerts began before the incident was resolved, or when it opened."""
    resolved_at = tracked.incident.outcome.resolved_at
    is_before = resolved_at is not None and delivery.began_at <= resolved_at
    return is_before or delivery.began_at == tracked.incident.report.opened_at


def _continues(alert: Alert, known: Alert | None) -> bool:
    """Return whether an alert still fires as it did when it was last heard of."""
    if known is None:
        return False
    return alert.began_at is None or known.began_at is None or alert.began_at <= known.began_at


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


def _differs(new: TrackedIncident, old: TrackedIncident) -> bool:
    """Return whether two reports differ in more than numbers, which change with every delivery."""
    return _without_numbers(new.incident.report) != _without_numbers(old.incident.report)


def _without_numbers(report: IncidentReport) -> tuple[object, ...]:
    texts = (report.title, report.description, report.service or "")
    attributes = {name: _DIGITS.sub("0", text) for name, text in report.attributes.items()}
    return (*(_DIGITS.sub("0", text) for text in texts), attributes)


def _states(tracked: TrackedIncident) -> tuple[object, ...]:
    """Return what a delivery may change about the alerts, except when they were heard."""
    return tuple(
        (alert.fingerprint, alert.is_firing, alert.began_at, alert.ended_at, dict(alert.labels))
        for alert in tracked.alerts
    )
