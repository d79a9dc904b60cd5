"""Examples of request bodies, shown on `/docs`."""

from typing import Any

from fastapi import Body


def body_examples(**examples: dict[str, Any]) -> Any:  # noqa: ANN401
    """Return named examples of a body, as metadata for the annotation of a route's body."""
    return Body(openapi_examples={name: {"value": value} for name, value in examples.items()})


EXAMPLE_INCIDENT: dict[str, Any] = {
    "id": "INC0012345",
    "title": "VPN drops every few minutes",
    "description": "Since this morning the client says 'authentication failed' and reconnects.",
    "service": "vpn",
    "source": "email",
    "opened_at": "2026-03-02T08:30:00Z",
    "attributes": {"location": "Graz"},
}
EXAMPLE_FEEDBACK: dict[str, Any] = {
    "prediction_id": "9a1f6c1e-7d8c-4b7e-9f5e-0d6a2f4f8f11",
    "target": "category",
    "action": "correct",
    "label": "Network",
    "given_by": "ana",
}
EXAMPLE_OUTCOME: dict[str, Any] = {
    "category": "Network",
    "assignment": "Network Operations",
    "severity": "3 - Moderate",
    "resolution": "Renewed the gateway's certificate.",
    "resolved_at": "2026-03-02T10:05:00Z",
}
EXAMPLE_SERIES: dict[str, Any] = {
    "name": "http_errors{service=checkout}",
    "timestamps": [1_772_439_600, 1_772_439_660, 1_772_439_720],
    "values": [0.2, 0.3, None],
    "unit": "1/s",
    "bounds": [0, None],
}
EXAMPLE_LEVELLED_SERIES: dict[str, Any] = {
    "name": "disk_used{host=db-1}",
    "timestamps": [1_772_439_600, 1_772_443_200, 1_772_446_800],
    "values": [71.2, 71.9, 72.8],
    "unit": "%",
    "bounds": [0, 100],
    "level": 90,
    "direction": "above",
}
EXAMPLE_CHANGE: dict[str, Any] = {
    "id": "deploy-4711",
    "service": "checkout",
    "at": "2026-03-02T14:02:00Z",
    "kind": "deploy",
    "summary": "checkout 4.2",
    "url": "https://ci.example/builds/4711",
}
EXAMPLE_CHANGE_EVENT: dict[str, Any] = {
    "routing_key": "the key of an integration, which is not kept",
    "payload": {
        "summary": "checkout 4.2",
        "timestamp": "2026-03-02T14:02:00Z",
        "source": "ci",
        "custom_details": {"service": "checkout"},
    },
    "links": [{"href": "https://ci.example/builds/4711", "text": "Build"}],
}
EXAMPLE_ALERTS: dict[str, Any] = {
    "version": "4",
    "groupKey": '{}:{alertname="HighErrorRate"}',
    "status": "firing",
    "receiver": "precedent",
    "groupLabels": {"alertname": "HighErrorRate"},
    "commonLabels": {"alertname": "HighErrorRate", "service": "checkout"},
    "commonAnnotations": {
        "summary": "Errors at the checkout",
        "runbook_url": "https://wiki.example/runbooks/checkout/errors",
    },
    "externalURL": "http://alertmanager.example:9093",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "HighErrorRate", "service": "checkout"},
            "annotations": {"summary": "Errors at the checkout"},
            "startsAt": "2026-03-02T14:05:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
        }
    ],
}
EXAMPLE_MOVE: dict[str, Any] = {"given_by": "ana", "reason": "it knows the new groups"}
EXAMPLE_REVOCATION: dict[str, Any] = {"given_by": "ana", "reason": "the job is too slow"}
