"""The alerts of an incident, and the addresses that its alerts and its report name."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from features.domain.alerts.alert import OTHER_SERVICES, Alert, listed_services
from features.domain.alerts.alert_severity import severity_label
from features.domain.report import IncidentReport, Status
from features.domain.tracking import TrackedIncident
from serving.pages.render.link_filters import linked_pieces, web_address
from serving.services.alerts.alert_report import by_severity, service_of

_GRAPH = "generatorURL"
_TITLES = ("summary", "title")
_DESCRIPTION = "description"
_MOST_LINKS = 30


@dataclass(frozen=True, slots=True)
class NamedAddress:
    """A web address, and the name of the field that holds it."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class ShownAlert:
    """An alert with what its labels and annotations say of it."""

    alert: Alert
    name: str
    title: str
    severity: str | None
    service: str | None
    links: tuple[NamedAddress, ...]


@dataclass(frozen=True, slots=True)
class AlertsView:
    """The alerts of an incident: those that fire first, and the most severe of each first.

    `links` are the addresses in the report. `last_heard_at` is when any of the alerts was last
    heard of, None without alerts.
    """

    alerts: tuple[ShownAlert, ...]
    links: tuple[NamedAddress, ...]
    other_services: tuple[str, ...]
    is_stale: bool
    last_heard_at: datetime | None

    @property
    def firing(self) -> int:
        """The number of alerts that fire."""
        return sum(shown.alert.is_firing for shown in self.alerts)


def view_alerts(tracked: TrackedIncident) -> AlertsView:
    """Return what an incident's page shows of its alerts."""
    report = tracked.incident.report
    ranked = sorted(by_severity(tracked.alerts), key=lambda alert: not alert.is_firing)
    heard = [alert.last_seen_at for alert in tracked.alerts if alert.last_seen_at]
    return AlertsView(
        tuple(_shown(alert) for alert in ranked),
        links_of(report),
        listed_services(report.attributes.get(OTHER_SERVICES, "")),
        tracked.incident.outcome.status is Status.STALE,
        max(heard, default=None),
    )


def links_of(report: IncidentReport) -> tuple[NamedAddress, ...]:
    """Return the web addresses in a report's attributes and description.

    >>> report = IncidentReport("1", attributes={"runbook_url": "https://wiki/x", "team": "a"})
    >>> [link.name for link in links_of(report)]
    ['runbook_url']
    """
    return _links((*report.attributes.items(), (_DESCRIPTION, report.description)))


def _shown(alert: Alert) -> ShownAlert:
    titles = (alert.annotations[name] for name in _TITLES if alert.annotations.get(name))
    fields = (*alert.annotations.items(), *alert.labels.items(), (_GRAPH, alert.generator_url))
    return ShownAlert(
        alert,
        alert.labels.get("alertname") or alert.fingerprint,
        next(titles, ""),
        severity_label(alert.labels),
        service_of(alert),
        _links(fields),
    )


def _links(fields: Iterable[tuple[str, str]]) -> tuple[NamedAddress, ...]:
    """Return the fields that are addresses, and the addresses in descriptions."""
    links: dict[str, NamedAddress] = {}
    for name, text in fields:
        whole = web_address(text.strip())
        found = [whole] if whole else _addresses(text) if name == _DESCRIPTION else []
        for address in found:
            links.setdefault(address, NamedAddress(name, address))
    return tuple(links.values())[:_MOST_LINKS]


def _addresses(text: str) -> list[str]:
    return [piece.address for piece in linked_pieces(text) if piece.address is not None]
