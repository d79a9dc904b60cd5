"""What `/docs` says about bodies that the routes read by hand."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from serving.api.problems import MEDIA_TYPE, Problem
from serving.schemas.alertmanager import AlertmanagerRequest
from serving.schemas.changes import ChangeRequest
from serving.schemas.requests import (
    BatchRequest,
    FeedbackRequest,
    IncidentInput,
    PromoteRequest,
    RollbackRequest,
    RunbooksRequest,
    SimilarRequest,
    TriageRequest,
    UpsertRequest,
)
from serving.schemas.series import AnomaliesRequest

_SCHEMAS = "#/components/schemas/"

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


def json_body(kind: type[BaseModel], **examples: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a route's description that tells of its body."""
    content = {
        "schema": {"$ref": f"{_SCHEMAS}{kind.__name__}"},
        "examples": {name: {"value": example} for name, example in examples.items()},
    }
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def query_parameters(kind: type[BaseModel]) -> dict[str, Any]:
    """Return the part of a route's description that tells of its query."""
    schema = kind.model_json_schema()
    return {
        "parameters": [
            {"name": name, "in": "query", "required": name in schema["required"], "schema": found}
            for name, found in schema["properties"].items()
        ]
    }


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the part of a route's description that tells of its problems."""
    schema = {"schema": {"$ref": f"{_SCHEMAS}{Problem.__name__}"}}
    return {
        status: {"description": "Problem", "content": {MEDIA_TYPE: schema}} for status in statuses
    }


BODY_PROBLEMS = problem_responses(400, 401, 413, 415, 422, 503)
"""What may happen to a route that reads a body."""


def install_openapi(app: FastAPI) -> None:
    """Make the app describe its bodies and problems beside its answers."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            schema["components"]["schemas"] |= _schemas()
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]


def _schemas() -> dict[str, Any]:
    kinds = (
        TriageRequest,
        BatchRequest,
        SimilarRequest,
        RunbooksRequest,
        FeedbackRequest,
        UpsertRequest,
        RollbackRequest,
        PromoteRequest,
        ChangeRequest,
        AnomaliesRequest,
        AlertmanagerRequest,
        IncidentInput,
        Problem,
    )
    _, found = models_json_schema(
        [(kind, "validation") for kind in kinds], ref_template=f"{_SCHEMAS}{{model}}"
    )
    return dict(found["$defs"])
