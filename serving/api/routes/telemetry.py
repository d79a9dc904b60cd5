"""The routes that take changes, alerts and metric series."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter

from serving.api.auth import BEARER_KEY
from serving.api.dependencies import RequestId, SharedContainer
from serving.api.examples import (
    EXAMPLE_ALERTS,
    EXAMPLE_CHANGE,
    EXAMPLE_CHANGE_EVENT,
    EXAMPLE_LEVELLED_SERIES,
    EXAMPLE_SERIES,
    body_examples,
)
from serving.api.forecast_schemas import ForecastResponse, shape_forecasts
from serving.api.json_route import JsonRoute, SeriesRoute
from serving.api.lane_choice import in_lane
from serving.api.problems import BODY_PROBLEMS
from serving.api.response_schemas import ChangeResponse, HookResponse
from serving.api.series_schemas import AnomaliesResponse, shape_anomalies
from serving.runtime.lanes import LaneName
from serving.schemas.alertmanager import AlertmanagerRequest
from serving.schemas.changes import AnyChange
from serving.schemas.forecast import ForecastRequest
from serving.schemas.series import AnomaliesRequest
from serving.services.anomalies import score_series
from serving.services.forecasts import forecast_series

telemetry_routes = APIRouter(route_class=JsonRoute, dependencies=[BEARER_KEY], tags=["telemetry"])
series_routes = APIRouter(route_class=SeriesRoute, dependencies=[BEARER_KEY], tags=["telemetry"])

ChangeBody = Annotated[
    AnyChange, body_examples(deploy=EXAMPLE_CHANGE, pagerduty=EXAMPLE_CHANGE_EVENT)
]
AlertsBody = Annotated[AlertmanagerRequest, body_examples(firing=EXAMPLE_ALERTS)]
ForecastBody = Annotated[
    ForecastRequest, body_examples(series={"series": [EXAMPLE_LEVELLED_SERIES]})
]
SeriesBody = Annotated[AnomaliesRequest, body_examples(series={"series": [EXAMPLE_SERIES]})]


@telemetry_routes.post("/v1/changes", responses=BODY_PROBLEMS)
def record_change(
    body: ChangeBody, services: SharedContainer, request_id: RequestId
) -> ChangeResponse:
    """Add or replace a change to a service; PagerDuty's change events are accepted too."""
    change = body.parse(services.reader.masking)
    services.changes.record(change)
    return ChangeResponse(change_id=change.id, request_id=request_id)


@telemetry_routes.post("/hooks/alertmanager", responses=BODY_PROBLEMS)
@in_lane(LaneName.INTAKE)
def alertmanager(
    body: AlertsBody, services: SharedContainer, request_id: RequestId
) -> HookResponse:
    """Apply a webhook of Alertmanager or Grafana: open, update or resolve the group's incident."""
    effect = services.alerts.take(body, request_id)
    return HookResponse(**asdict(effect), prediction_id=None, request_id=request_id)


@series_routes.post("/v1/anomalies", responses=BODY_PROBLEMS)
@in_lane(LaneName.COMPUTE)
def anomalies(body: SeriesBody, request_id: RequestId) -> AnomaliesResponse:
    """Score metric series by their own past, and flag anomalies within a budget of false alarms."""
    series = [sent.parse() for sent in body.series]
    scored = score_series(series, body.budget_per_week, body.zone)
    return shape_anomalies(scored, body.budget_per_week, request_id)


@series_routes.post("/v1/forecast", responses=BODY_PROBLEMS)
@in_lane(LaneName.COMPUTE)
def forecast(body: ForecastBody, request_id: RequestId) -> ForecastResponse:
    """Forecast whether and when metric series reach a level."""
    forecasts = [forecast_series(sent.parse_level(), body.seconds) for sent in body.series]
    return shape_forecasts(forecasts, body.horizons, request_id)
