"""Sends firing and ended alerts to Alertmanager."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from serving.runtime.http_client import HttpClient, RequestFailed, shorten

_PATH = "/api/v2/alerts"


@dataclass(frozen=True, slots=True)
class OutgoingAlert:
    """One alert, which Alertmanager identifies by its labels."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime
    generator_url: str


class AlertmanagerClient:
    """Posts to the v2 API; every failure raises a `RequestFailed` with a message of one line."""

    def __init__(self, server: HttpClient) -> None:
        self._server = server

    def post(self, alerts: Sequence[OutgoingAlert]) -> None:
        """Send alerts; Alertmanager updates an alert that it already has."""
        status, body = self._server.post_json(_PATH, [_encode(alert) for alert in alerts])
        if status != 200:
            raise RequestFailed(f"Alertmanager refused alerts with {status}: {shorten(body)!r}")

    def close(self) -> None:
        """Close the connections."""
        self._server.close()


def _encode(alert: OutgoingAlert) -> dict[str, object]:
    return {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "startsAt": alert.starts_at.isoformat(),
        "endsAt": alert.ends_at.isoformat(),
        "generatorURL": alert.generator_url,
    }
