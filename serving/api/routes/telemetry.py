"""The routes that take changes, alerts and metric series."""

from fastapi import APIRouter, Depends
from starlette.responses import Response

from serving.api.auth import require_key
from serving.api.dependencies import RawBody, RequestId, SharedContainer
from serving.api.openapi import (
    BODY_PROBLEMS,
    EXAMPLE_ALERTS,
    EXAMPLE_CHANGE,
    EXAMPLE_CHANGE_EVENT,
    EXAMPLE_SERIES,
    json_body,
)
from serving.api.response_schemas import ChangeResponse, HookResponse, as_json, shape_alert_effect
from serving.api.series_schemas import AnomaliesResponse, shape_anomalies
from serving.schemas.alertmanager import AlertmanagerRequest
from serving.schemas.changes import ChangeRequest
from serving.schemas.series import AnomaliesRequest
from serving.services.anomalies import score_series

telemetry_routes = APIRouter(dependencies=[Depends(require_key)], tags=["telemetry"])


@telemetry_routes.post(
    "/v1/changes",
    response_model=ChangeResponse,
    responses=BODY_PROBLEMS,
    openapi_extra=json_body(ChangeRequest, deploy=EXAMPLE_CHANGE, pagerduty=EXAMPLE_CHANGE_EVENT),
)
def record_change(body: RawBody, services: SharedContainer, request_id: RequestId) -> Response:
    """Record a change to a service, or replace it; PagerDuty's change events are taken too."""
    change = services.reader.change(body)
    services.changes.record(change)
    return as_json(ChangeResponse(change_id=change.id, request_id=request_id))


@telemetry_routes.post(
    "/hooks/alertmanager",
    response_model=HookResponse,
    responses=BODY_PROBLEMS,
    openapi_extra=json_body(AlertmanagerRequest, firing=EXAMPLE_ALERTS),
)
def alertmanager(body: RawBody, services: SharedContainer, request_id: RequestId) -> Response:
    """Take a webhook of Alertmanager: what fires becomes an incident, what is over resolves it."""
    delivery = services.reader.body(AlertmanagerRequest, body)
    effect = services.alertmanager.take(delivery, request_id)
    return as_json(shape_alert_effect(effect, request_id))


@telemetry_routes.post(
    "/v1/anomalies",
    response_model=AnomaliesResponse,
    responses=BODY_PROBLEMS,
    openapi_extra=json_body(AnomaliesRequest, series={"series": [EXAMPLE_SERIES]}),
)
def anomalies(body: RawBody, services: SharedContainer, request_id: RequestId) -> Response:
    """Score metric series by their own past, and flag what a budget of false alarms allows."""
    series, budget_per_week = services.reader.series(body)
    scored = score_series(series, budget_per_week)
    return as_json(shape_anomalies(scored, budget_per_week, request_id))
