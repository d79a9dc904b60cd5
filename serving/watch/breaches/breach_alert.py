"""Writes a warning of a breach as an alert with labels and annotations."""

from datetime import datetime, timedelta
from urllib.parse import urlencode

from features.domain.telemetry.breach_warning import BreachWarning
from serving.watch.alert_payload import series_link
from serving.watch.clients.alertmanager import OutgoingAlert

ALERT_NAME = "PrecedentBreachForecast"
_LIFETIME = timedelta(minutes=50)
"""An alert that is not sent again ends by itself after three forecasts were missed."""


def breach_alert(
    warning: BreachWarning, query: str, prometheus_url: str, link: str | None, now: datetime
) -> OutgoingAlert:
    """Return the alert of a warning, which ends with it."""
    labels = {
        "alertname": ALERT_NAME,
        "group": warning.group,
        "service": warning.service or "",
        "series": warning.series,
        "severity": "warning",
    }
    annotations = {"summary": summarise_breach(warning)}
    if link is not None:
        annotations["link"] = series_link(link, warning.series)
    graph = urlencode({"g0.expr": query, "g0.tab": "0"})
    return OutgoingAlert(
        labels={name: value for name, value in labels.items() if value},
        annotations=annotations,
        starts_at=warning.warned_at,
        ends_at=now + _LIFETIME if warning.ended_at is None else warning.ended_at,
        generator_url=f"{prometheus_url}/graph?{graph}",
    )


def summarise_breach(warning: BreachWarning) -> str:
    """Return a sentence with the level, the probability and the time.

    >>> from datetime import UTC
    >>> at = datetime(2026, 3, 1, 14, 2, tzinfo=UTC)
    >>> summarise_breach(BreachWarning("db/disk@x", "db", "disk", None, "%", 90, "above", 0.824, at,
    ...     at - timedelta(hours=1), at + timedelta(hours=2), at))
    'disk will probably reach 90 % about 14:02 UTC (13:02 to 16:02; probability 82% within 6 h)'
    """
    unit = f" {warning.unit}" if warning.unit else ""
    verb = "reach" if warning.direction == "above" else "fall to"
    when = f"about {warning.at:%H:%M} UTC ({warning.lower:%H:%M} to {warning.upper:%H:%M}"
    chance = f"probability {warning.probability:.0%} within 6 h)"
    return f"{warning.series} will probably {verb} {warning.level:g}{unit} {when}; {chance}"
