"""Responses about forecasts of metric series."""

from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import BaseModel

from models.timeseries.forecast.breach_forecast import Breach, BreachForecast
from serving.services.forecasts import ForecastSeries


class BreachResponse(BaseModel):
    """Whether a level is reached within a horizon, and when.

    If it is reached within the horizon, then by `at` in half of the cases, and between `lower` and
    `upper` in 80%. All are null if the series has no value.
    """

    horizon: str
    probability: float | None
    at: datetime | None
    lower: datetime | None
    upper: datetime | None


class ExpectedResponse(BaseModel):
    """The expected course of a series."""

    timestamps: list[datetime]
    values: list[float]


class ForecastSeriesResponse(BaseModel):
    """The forecast of a series, which begins at `from_at`, the time of its last value."""

    name: str
    from_at: datetime | None
    breach: list[BreachResponse]
    expected: ExpectedResponse
    warnings: list[str]


class ForecastResponse(BaseModel):
    """The answer of `/v1/forecast`."""

    series: list[ForecastSeriesResponse]
    request_id: str


def shape_forecasts(
    forecasts: Sequence[ForecastSeries], horizons: Sequence[str], request_id: str
) -> ForecastResponse:
    """Return the response about forecasts."""
    series = [_shape(answer, horizons) for answer in forecasts]
    return ForecastResponse(series=series, request_id=request_id)


def _shape(answer: ForecastSeries, horizons: Sequence[str]) -> ForecastSeriesResponse:
    forecast = answer.forecast
    if forecast is None:
        unknown = [
            BreachResponse(horizon=horizon, probability=None, at=None, lower=None, upper=None)
            for horizon in horizons
        ]
        nothing = ExpectedResponse(timestamps=[], values=[])
        return ForecastSeriesResponse(
            name=answer.name,
            from_at=None,
            breach=unknown,
            expected=nothing,
            warnings=list(answer.warnings),
        )
    return ForecastSeriesResponse(
        name=answer.name,
        from_at=_time(forecast.from_time),
        breach=[
            _shape_breach(breach, horizon)
            for breach, horizon in zip(forecast.breaches, horizons, strict=True)
        ],
        expected=_shape_expected(forecast),
        warnings=list(answer.warnings),
    )


def _shape_breach(breach: Breach, horizon: str) -> BreachResponse:
    return BreachResponse(
        horizon=horizon,
        probability=breach.probability,
        at=_time(breach.at),
        lower=_time(breach.lower),
        upper=_time(breach.upper),
    )


def _shape_expected(forecast: BreachForecast) -> ExpectedResponse:
    times = [_time(seconds) for seconds in forecast.times]
    return ExpectedResponse(timestamps=times, values=forecast.expected.tolist())


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(float(seconds)), UTC)
