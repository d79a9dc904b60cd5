"""Responses about metric series."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, BeforeValidator

from serving.services.anomalies import ScoredSeries


def _null_if_infinite(value: float) -> float | None:
    return value if np.isfinite(value) else None


Numbers = list[float | None]
Number = Annotated[float | None, BeforeValidator(_null_if_infinite)]
Weeks = Annotated[float, AfterValidator(lambda weeks: round(weeks, 2))]


class FlagResponse(BaseModel):
    """An anomalous stretch of a series.

    `value` and `expected` are those of the point farthest from its expected value. `effect` is the
    mean deviation of the anomalous points that deviate in the same direction as that point. All
    three are null for a gap.
    """

    onset_at: datetime
    detected_at: datetime
    ended_at: datetime | None
    direction: str
    effect: Number
    unit: str | None
    value: Number
    expected: Number
    score: float
    alarms_per_week: float
    channel: str


class CalibrationResponse(BaseModel):
    """What the alarm rates of a series are based on, and how many weeks of values it has."""

    source: str
    series_weeks: Weeks
    is_calibrated: bool
    shares: dict[str, float]


class RoutineResponse(BaseModel):
    """What a series does again and again, which raises no flags.

    `at` is the local time of day, with the weekday if `every` is a week, null if it comes at any
    time; `every` is `day`, `week` or `irregular`. Its longest duration and its lowest and highest
    value are what it may reach; `days_seen` counts the days on which it was seen.
    """

    at: str | None
    every: str
    duration_seconds: float
    lower: float
    upper: float
    days_seen: int


class SeriesResponse(BaseModel):
    """The scores of a series, and its flags.

    Each list except `flags`, `routines` and `warnings` has one value for each point sent, in the
    same order. `expected_per_week` is how often the series by itself reaches what a point has
    reached, null where this is unknown, 0 in a revoked routine.
    """

    name: str
    score: Numbers
    expected_per_week: Numbers
    is_anomalous: list[bool]
    expected: Numbers
    lower: Numbers
    upper: Numbers
    flags: list[FlagResponse]
    routines: list[RoutineResponse]
    calibration: CalibrationResponse
    warnings: list[str]


class AnomaliesResponse(BaseModel):
    """The answer of `/v1/anomalies`."""

    series: list[SeriesResponse]
    budget_per_week: float
    request_id: str


def shape_anomalies(
    scored: list[ScoredSeries], budget_per_week: float, request_id: str
) -> AnomaliesResponse:
    """Return the response about scored series."""
    return AnomaliesResponse(
        series=[_shape_series(series) for series in scored],
        budget_per_week=budget_per_week,
        request_id=request_id,
    )


def _shape_series(scored: ScoredSeries) -> SeriesResponse:
    # Validating each number of the arrays would take longer than all other steps.
    return SeriesResponse.model_construct(
        name=scored.name,
        score=_list_numbers(scored.score),
        expected_per_week=_list_numbers(scored.expected_per_week),
        is_anomalous=scored.is_anomalous.tolist(),
        expected=_list_numbers(scored.expected),
        lower=_list_numbers(scored.lower),
        upper=_list_numbers(scored.upper),
        flags=[FlagResponse(**asdict(flag), unit=scored.unit) for flag in scored.flags],
        routines=[RoutineResponse(**asdict(routine)) for routine in scored.routines],
        calibration=CalibrationResponse(**asdict(scored.calibration)),
        warnings=list(scored.warnings),
    )


def _list_numbers(array: NDArray[np.float64]) -> Numbers:
    numbers: NDArray[Any] = array.astype(object)
    numbers[~np.isfinite(array)] = None
    return list(numbers)
