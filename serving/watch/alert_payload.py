"""Writes a notification as an alert with labels and annotations."""

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from math import isfinite
from urllib.parse import urlencode

from features.domain.report import IncidentReport
from features.domain.telemetry.series_anomaly import SeriesAnomaly
from models.base.predictions import SuggestedRunbook
from serving.runtime.http_client import RequestFailed
from serving.watch.clients.alertmanager import OutgoingAlert
from serving.watch.notifications import Notification

ALERT_NAME = "PrecedentAnomaly"
_RESENDS_MISSED = 4
_LISTED = 10
_MOST_SEARCH_SECONDS = 5.0

# Raises `RequestFailed` if the service does not answer.
SuggestRunbook = Callable[[IncidentReport], SuggestedRunbook | None]


class AlertWriter:
    """Writes alerts with suggested runbooks; a failed search for a runbook is repeated next time.

    Searches that do not begin within five seconds are left for the next time, so that they do not
    delay notifications for long. An alert that is not sent again ends by itself after some minutes,
    so that alerts of a watch that was killed do not fire for ever. So does one that ended before
    anybody was told, because Alertmanager tells nobody of an alert that has ended.
    """

    def __init__(
        self,
        *,
        prometheus_url: str,
        step_seconds: int,
        link: str | None = None,
        suggest_runbook: SuggestRunbook | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._prometheus_url = prometheus_url
        self._lifetime = timedelta(seconds=_RESENDS_MISSED * max(60, step_seconds))
        self._link = link
        self._suggest_runbook = suggest_runbook
        self._monotonic = monotonic
        self._search_until = 0.0
        self._runbooks: dict[str, SuggestedRunbook | None] = {}

    def write(self, due: Iterable[tuple[Notification, str]], now: datetime) -> list[OutgoingAlert]:
        """Return an alert for each notification; `due` adds the query of its leading series.

        Searching for runbooks takes at most five seconds plus one search.
        """
        self._search_until = self._monotonic() + _MOST_SEARCH_SECONDS
        return [self._write(notification, query, now) for notification, query in due]

    def forget_others(self, lead_ids: Iterable[str]) -> None:
        """Forget all runbooks except those of the leading anomalies that still fire."""
        firing = set(lead_ids)
        self._runbooks = {
            lead_id: runbook for lead_id, runbook in self._runbooks.items() if lead_id in firing
        }

    def _write(self, notification: Notification, query: str, now: datetime) -> OutgoingAlert:
        lead = notification.lead
        ended_at = None if notification.is_untold else notification.ended_at
        graph = urlencode({"g0.expr": query, "g0.tab": "0"})
        return OutgoingAlert(
            labels=alert_labels(notification),
            annotations=self._annotations(notification),
            starts_at=lead.onset_at,
            ends_at=now + self._lifetime if ended_at is None else max(ended_at, lead.onset_at),
            generator_url=f"{self._prometheus_url}/graph?{graph}",
        )

    def _annotations(self, notification: Notification) -> dict[str, str]:
        lead = notification.lead
        annotations = {"summary": summarise(lead)}
        if notification.ended_at is not None:
            annotations["ended"] = f"{notification.ended_at:%Y-%m-%d %H:%M} UTC"
        others = [anomaly for anomaly in notification.anomalies.values() if anomaly.id != lead.id]
        if others:
            annotations["also"] = "; ".join(summarise(anomaly) for anomaly in others[:_LISTED])
        if len(others) > _LISTED:
            annotations["also"] += f"; and {len(others) - _LISTED} more"
        runbook = self._runbook(lead)
        if runbook is not None:
            annotations["runbook"] = runbook.title or runbook.id
            if runbook.url:
                annotations["runbook_url"] = runbook.url
        if self._link is not None:
            annotations["link"] = series_link(self._link, lead.series)
        return annotations

    def _runbook(self, lead: SeriesAnomaly) -> SuggestedRunbook | None:
        if self._suggest_runbook is None or lead.id in self._runbooks:
            return self._runbooks.get(lead.id)
        if self._monotonic() >= self._search_until:
            return None
        try:
            runbook = self._suggest_runbook(anomaly_report(lead))
        except RequestFailed:
            return None
        self._runbooks[lead.id] = runbook
        return runbook


def series_link(address: str, series: str) -> str:
    """Return the address of the inbox with the incidents that name a series.

    >>> series_link("http://127.0.0.1:8000", 'errors{host="a"}')
    'http://127.0.0.1:8000/?q=errors%7Bhost%3D%22a%22%7D&state=all'
    """
    return f"{address}/?{urlencode({'q': series, 'state': 'all'})}"


def alert_labels(notification: Notification) -> dict[str, str]:
    """Return the labels by which Alertmanager identifies the alert."""
    lead = notification.lead
    labels = {
        "alertname": ALERT_NAME,
        "group": notification.group,
        "service": lead.service or "",
        "series": lead.series,
        "severity": "warning",
    }
    return {name: value for name, value in labels.items() if value}


def anomaly_report(anomaly: SeriesAnomaly) -> IncidentReport:
    """Return an anomaly as an incident report, for which runbooks are searched."""
    return IncidentReport(
        id=anomaly.id,
        opened_at=anomaly.detected_at,
        title=summarise(anomaly),
        service=anomaly.service,
        source=ALERT_NAME,
        attributes=dict(anomaly.labels),
    )


def summarise(anomaly: SeriesAnomaly) -> str:
    """Return a sentence with the series, its change, the onset and the detector's channel.

    The sentence about a gap has only the series and the onset.

    >>> from datetime import UTC
    >>> at = datetime(2026, 3, 1, 14, 2, tzinfo=UTC)
    >>> errors = SeriesAnomaly(
    ...     "shop/errors@2026-03-01T14:02:00Z", "errors", "shop", {}, "1/s", at, at, None,
    ...     effect=12.25, expected=0.5, value=15, score=9, alarms_per_week=0.1, channel="level",
    ...     direction="up",
    ... )
    >>> summarise(errors)
    'errors is up by 12.2 1/s since 2026-03-01 14:02 UTC (15 where 0.5 was expected; level)'
    """
    since = f"since {anomaly.onset_at:%Y-%m-%d %H:%M} UTC"
    if anomaly.direction == "gap":
        return f"{anomaly.series} sends nothing {since}"
    unit = f" {anomaly.unit}" if anomaly.unit else ""
    change = f"is {anomaly.direction} by {_amount(abs(anomaly.effect))}{unit}"
    values = f"{_amount(anomaly.value)} where {_amount(anomaly.expected)} was expected"
    return f"{anomaly.series} {change} {since} ({values}; {anomaly.channel})"


def _amount(number: float) -> str:
    if not isfinite(number) or number == 0 or 1e-3 <= abs(number) < 1e3:
        return f"{number:.3g}"
    return f"{number:,.0f}" if 1e3 <= abs(number) < 1e9 else f"{number:.2e}"
