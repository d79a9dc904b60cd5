"""Writes the report of an incident from the alerts that fire."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from features.domain.alerts.alert import OTHER_SERVICES, Alert
from features.domain.alerts.alert_severity import severity_label, severity_rank
from features.domain.report import IncidentReport
from features.text.parsing import MAX_TEXT_LENGTH

SOURCE = "alertmanager"

# The job comes last: it often names the exporter, and not what is out of order.
_SERVICES = (
    *("service", "service_name", "svc", "exported_service", "app", "app_kubernetes_io_name"),
    *("k8s_app", "application", "component", "deployment", "statefulset", "daemonset", "workload"),
    *("exported_job", "job"),
)
_TITLES = ("summary", "title", "subject", "headline", "short_description", "alerttitle")
_DESCRIPTIONS = ("description", "message")
_RUNBOOK = re.compile(r"run-?_?book|play-?_?book", re.IGNORECASE)
_NO_LETTER_OR_DIGIT = re.compile(r"[\W_]+")
_SEVERITY = "severity"
# Each of these describes one thing, so the values of several alerts are not joined.
_SINGLE = frozenset(("alertname", _SEVERITY, *_SERVICES))
_MOST_LINES = 20
_MOST_VALUES = 20
_MOST_ATTRIBUTES = 200
_MOST_CHARACTERS = 10_000


def by_severity(alerts: Iterable[Alert]) -> list[Alert]:
    """Return the alerts, the most severe first, then the earliest."""
    return sorted(alerts, key=_order)


def most_severe(severities: Iterable[str | None]) -> str | None:
    """Return the most severe of some severities, None if there is none.

    >>> most_severe(["warning", None, "critical"])
    'critical'
    """
    stated = [severity for severity in severities if severity]
    return max(stated, key=severity_rank, default=None)


def service_of(alert: Alert) -> str | None:
    """Return the service that an alert's labels name, or else its annotations."""
    facts = {**_by_plain_name(alert.annotations), **_by_plain_name(alert.labels)}
    return next((facts[name] for name in _SERVICES if facts.get(name)), None)


def alert_report(
    id: str,  # noqa: A002  # the name of the field
    opened_at: datetime,
    firing: Sequence[Alert],
    facts: Mapping[str, str],
    peak_severity: str | None,
) -> IncidentReport:
    """Return the report of an incident whose firing alerts are given; there is at least one.

    Title, description, service and runbook are those of the most severe alert. Labels, further
    annotations and the delivery's facts become attributes: a label replaces an annotation of the
    same name, and an annotation replaces a fact. A label that differs between alerts holds up to 20
    values. The severity is the most severe that the incident reached.
    """
    ranked = by_severity(firing)
    lead = ranked[0]
    titles = list(dict.fromkeys(_first(alert.annotations, _TITLES) for alert in ranked))
    lines = list(dict.fromkeys(_first(alert.annotations, _DESCRIPTIONS) for alert in ranked))
    title = titles[0] or lead.labels.get("alertname", "Alert")
    described = [line for line in lines if line] or [text for text in titles[1:] if text]
    return IncidentReport(
        id=id,
        opened_at=opened_at,
        title=title[:MAX_TEXT_LENGTH],
        description="\n".join(described[:_MOST_LINES])[:MAX_TEXT_LENGTH],
        service=service_of(lead),
        source=SOURCE,
        attributes=_attributes(ranked, facts, peak_severity),
    )


def _order(alert: Alert) -> tuple[float, str, int]:
    began = "" if alert.began_at is None else alert.began_at.isoformat()
    return -severity_rank(severity_label(alert.labels)), began, alert.number


def _first(texts: Mapping[str, str], names: Iterable[str]) -> str:
    known = _by_plain_name(texts)
    return next((known[name] for name in names if known.get(name)), "")


def _by_plain_name(texts: Mapping[str, str]) -> dict[str, str]:
    """Return texts by their names in one spelling: `app.kubernetes.io/name` has underscores."""
    return {_plain(name): text for name, text in texts.items()}


def _plain(name: str) -> str:
    return _NO_LETTER_OR_DIGIT.sub("_", name.casefold()).strip("_")


def _attributes(
    ranked: Sequence[Alert], facts: Mapping[str, str], peak_severity: str | None
) -> dict[str, str]:
    lead = ranked[0]
    attributes = {**facts, **_annotations(ranked), **_labels(ranked)}
    if lead.generator_url:
        attributes["generatorURL"] = lead.generator_url
    services = dict.fromkeys(service_of(alert) for alert in ranked)
    others = [name for name in services if name is not None and name != service_of(lead)]
    if others:
        attributes[OTHER_SERVICES] = ", ".join(others[:_MOST_VALUES])
    if peak_severity is not None:
        attributes[_SEVERITY] = peak_severity
    return dict(list(attributes.items())[-_MOST_ATTRIBUTES:])


def _annotations(ranked: Sequence[Alert]) -> dict[str, str]:
    annotations: dict[str, str] = {}
    for alert in ranked:
        for name, text in alert.annotations.items():
            is_of_lead = alert is ranked[0]
            is_told = _plain(name) in (*_TITLES, *_DESCRIPTIONS)
            if not is_told and (is_of_lead or not _RUNBOOK.search(name)):
                annotations.setdefault(name, text)
    return annotations


def _labels(ranked: Sequence[Alert]) -> dict[str, str]:
    values: dict[str, dict[str, None]] = {}
    for alert in ranked:
        for name, value in alert.labels.items():
            if alert is ranked[0] or _plain(name) not in _SINGLE:
                values.setdefault(name, {})[value] = None
    return {
        name: ", ".join(list(texts)[:_MOST_VALUES])[:_MOST_CHARACTERS]
        for name, texts in values.items()
    }
