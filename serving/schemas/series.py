"""What callers may send about metric series, and how times are read."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, model_validator

from features.text.parsing import Text, sanitise_text, within
from models.base.series_model import MetricSeries
from serving.schemas.requests import RequestModel

_MILLISECONDS_FROM = 1e11
_EARLIEST, _LATEST = -(2**33), 9_223_372_036

CleanText = Annotated[Text, AfterValidator(sanitise_text)]
Bound = Annotated[float, Field(allow_inf_nan=False)]
Moments = list[float | str]


class SeriesInput(RequestModel):
    """A metric series: unix seconds, milliseconds or ISO 8601 times, and values, null if missing.

    `bounds` are the lowest and highest values that the metric can take, null where unknown; they
    limit what is expected.
    """

    name: CleanText
    timestamps: Moments
    values: list[float | None]
    unit: CleanText | None = None
    bounds: Annotated[list[Bound | None], Field(min_length=2, max_length=2)] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.timestamps) != len(self.values):
            raise ValueError(
                f"there are {len(self.timestamps)} timestamps and {len(self.values)} values"
            )
        lowest, highest = self.bounds or (None, None)
        if lowest is not None and highest is not None and not lowest < highest:
            raise ValueError("give the lowest bound first, null where there is none")
        return self

    def parse(self) -> MetricSeries:
        """Return the series; raises `ValueError` for a time that cannot be read."""
        lowest, highest = self.bounds or (None, None)
        values = np.array(self.values, dtype=np.float64)
        return MetricSeries(
            self.name, read_times(self.timestamps), values, self.unit, (lowest, highest)
        )


class AnomaliesRequest(RequestModel):
    """The request of `/v1/anomalies`; the budget is of false alarms a week for each series."""

    series: Annotated[list[SeriesInput], AfterValidator(within("max_series", "series"))]
    budget_per_week: float = Field(1.0, gt=0, le=168)


def count_points(given: Any) -> int:  # noqa: ANN401
    """Return how many points a body holds, before anything else of it is checked."""
    series = given.get("series") if isinstance(given, dict) else None
    if not isinstance(series, list):
        return 0
    return sum(_length(each, "timestamps", "values") for each in series)


def _length(series: object, *names: str) -> int:
    if not isinstance(series, dict):
        return 0
    lists = (series.get(name) for name in names)
    return max(len(each) if isinstance(each, list) else 0 for each in lists)


def read_times(given: Sequence[float | str]) -> NDArray[np.int64]:
    """Return times in unix seconds; numbers of 1e11 and more are milliseconds.

    Raises `ValueError` for what is no time, or lies outside the years 1697 to 2262.

    >>> read_times([60, "1970-01-01T00:02:00Z", 1_700_000_000_000]).tolist()
    [60, 120, 1700000000]
    """
    seconds = np.array([each if isinstance(each, float | int) else _read(each) for each in given])
    seconds = seconds.astype(np.float64)
    seconds = np.where(np.abs(seconds) >= _MILLISECONDS_FROM, seconds / 1000, seconds)
    if not ((seconds >= _EARLIEST) & (seconds <= _LATEST)).all():
        raise ValueError("a timestamp is no time between the years 1697 and 2262")
    whole: NDArray[np.int64] = np.floor(seconds).astype(np.int64)
    return whole


def _read(given: str) -> float:
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise ValueError(f"{given[:40]!r} is no ISO 8601 time") from None
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    # A number as large would be taken for milliseconds.
    return seconds if seconds <= _LATEST else np.inf
