"""What callers get about metric series."""

from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from models.timeseries.anomaly_flags import Flag
from serving.services.anomalies import ScoredSeries

Numbers = list[float | None]


class FlagResponse(BaseModel):
    """A stretch that is out of line; `effect` is the mean distance from what was expected."""

    onset_at: datetime
    detected_at: datetime
    ended_at: datetime | None
    direction: str
    effect: float | None
    unit: str | None
    value: float | None
    expected: float | None
    score: float
    alarms_per_week: float
    channel: str


class CalibrationResponse(BaseModel):
    """What the alarm rates of a series rest on, and for how many weeks it was seen."""

    source: str
    series_weeks: float
    is_calibrated: bool


class SeriesResponse(BaseModel):
    """The points of a series as they were given: the same number, in the same order."""

    name: str
    score: Numbers
    is_anomalous: list[bool]
    expected: Numbers
    lower: Numbers
    upper: Numbers
    flags: list[FlagResponse]
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
    """Return the answer about series."""
    return AnomaliesResponse(
        series=[_series(each) for each in scored],
        budget_per_week=budget_per_week,
        request_id=request_id,
    )


def _series(scored: ScoredSeries) -> SeriesResponse:
    # The arrays were checked by what made them; checking each number again takes most of the time.
    return SeriesResponse.model_construct(
        name=scored.name,
        score=_numbers(scored.score),
        is_anomalous=scored.is_anomalous.tolist(),
        expected=_numbers(scored.expected),
        lower=_numbers(scored.lower),
        upper=_numbers(scored.upper),
        flags=[_flag(each, scored.unit) for each in scored.flags],
        calibration=CalibrationResponse(
            source=scored.calibration.source,
            series_weeks=round(scored.calibration.series_weeks, 2),
            is_calibrated=scored.calibration.is_calibrated,
        ),
        warnings=list(scored.warnings),
    )


def _flag(flag: Flag, unit: str | None) -> FlagResponse:
    return FlagResponse(
        onset_at=flag.onset_at,
        detected_at=flag.detected_at,
        ended_at=flag.ended_at,
        direction=flag.direction,
        effect=_number(flag.effect),
        unit=unit,
        value=_number(flag.value),
        expected=_number(flag.expected),
        score=flag.score,
        alarms_per_week=flag.alarms_per_week,
        channel=flag.channel,
    )


def _numbers(array: NDArray[np.float64]) -> Numbers:
    held: NDArray[Any] = array.astype(object)
    held[~np.isfinite(array)] = None
    return list(held)


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
