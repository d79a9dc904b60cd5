"""Writes a report anew when its alerts change, and keeps what others wrote into it."""

import re
from collections.abc import Sequence
from dataclasses import replace

from features.domain.alerts.alert import Alert
from features.domain.report import IncidentReport
from features.domain.tracking import Author, TrackedIncident, Tracking
from serving.services.alerts.alert_report import alert_report
from serving.services.alerts.delivery import Delivery

_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")
_TRUNCATED = "truncatedAlerts"
_REWRITTEN = frozenset((_TRUNCATED, "severity"))
_REPORT_FIELDS = ("title", "description", "service")


def rewrite_report(
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


def differs(new: IncidentReport, old: IncidentReport) -> bool:
    """Return whether two reports differ in more than numbers, which change with every delivery."""
    return _without_numbers(new) != _without_numbers(old)


def _without_numbers(report: IncidentReport) -> tuple[object, ...]:
    texts = (report.title, report.description, report.service or "")
    attributes = {name: _DIGITS.sub("0", text) for name, text in report.attributes.items()}
    return (*(_DIGITS.sub("0", text) for text in texts), attributes)
