"""What callers may send about metric series, and how times are read."""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PlainValidator,
    TypeAdapter,
    ValidationInfo,
    model_validator,
)

from features.text.parsing import Text, sanitise_text
from models.base.series_model import MetricSeries
from serving.runtime.errors import BodyTooLarge
from serving.schemas.requests import RequestModel, at_most

_MILLISECONDS_FROM = 1e11
_EARLIEST, _LATEST = -(2**33), 9_223_372_036
_STRICT = ConfigDict(strict=True)
_MOST_TROUBLE = 1_000
_MOST_REVOKED = 100
_TIMES = TypeAdapter(list[float | str], config=_STRICT)
_VALUES = TypeAdapter(list[float | None], config=_STRICT)


def _parse_times(value: object) -> NDArray[np.int64]:
    return read_times(_TIMES.validate_python(value))


def _parse_moment(value: object) -> float:
    return float(_parse_times([value])[0])


def _parse_values(value: object) -> NDArray[np.float64]:
    return np.array(_VALUES.validate_python(value), dtype=np.float64)


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name[:40]!r} is no time zone such as Europe/Berlin") from None
    return name


Seconds = Annotated[float, Field(ge=_EARLIEST, le=_LATEST)]
Milliseconds = (
    Annotated[float, Field(ge=1000 * _EARLIEST, le=-_MILLISECONDS_FROM)]
    | Annotated[float, Field(ge=_MILLISECONDS_FROM, le=1000 * _LATEST)]
)
Times = Annotated[
    NDArray[np.int64],
    PlainValidator(_parse_times, json_schema_input_type=list[Seconds | Milliseconds | datetime]),
]
Moment = Annotated[
    float,
    PlainValidator(_parse_moment, json_schema_input_type=Seconds | Milliseconds | datetime),
]
Values = Annotated[
    NDArray[np.float64], PlainValidator(_parse_values, json_schema_input_type=list[float | None])
]
ZoneName = Annotated[str, AfterValidator(_check_zone)]
CleanText = Annotated[Text, AfterValidator(sanitise_text)]
Bound = Annotated[float, Field(allow_inf_nan=False)]


class TroubleInput(RequestModel):
    """The time of a confirmed incident; without `until_at` it lasts to the end of the series."""

    from_at: Moment
    until_at: Moment | None = None

    @model_validator(mode="after")
    def _compare(self) -> Self:
        if self.until_at is not None and self.until_at < self.from_at:
            raise ValueError("until_at lies before from_at; give the start of the trouble first")
        return self

    def parse(self) -> tuple[float, float]:
        """Return from and until in unix seconds."""
        return self.from_at, np.inf if self.until_at is None else self.until_at


class RevokedRoutineInput(RequestModel):
    """A routine of an earlier answer that a person revoked, as it was or only `lower` and `upper`.

    Excursions that deviate about as far in the same direction are like it, at any time of day.
    """

    lower: Bound
    upper: Bound
    at: CleanText | None = None
    every: CleanText | None = None
    duration_seconds: float | None = None
    days_seen: int | None = None

    def parse(self) -> tuple[float, float]:
        """Return the lowest and the highest value."""
        return min(self.lower, self.upper), max(self.lower, self.upper)


class SeriesInput(RequestModel):
    """A metric series: timestamps, and one value for each timestamp, null if it is missing.

    Timestamps are unix seconds, unix milliseconds or ISO 8601 texts. `bounds` are the lowest and
    highest values that the metric can take, null where unknown; expected values are clipped to
    them. What the series did at times of `trouble`, of confirmed incidents, is scored, but never
    learned as usual. What is like one of the `revoked_routines` is always flagged, and never
    becomes routine.
    """

    name: CleanText
    timestamps: Times
    values: Values
    unit: CleanText | None = None
    bounds: Annotated[list[Bound | None], Field(min_length=2, max_length=2)] | None = None
    trouble: list[TroubleInput] = Field(default_factory=list, max_length=_MOST_TROUBLE)
    revoked_routines: list[RevokedRoutineInput] = Field(
        default_factory=list, max_length=_MOST_REVOKED
    )

    @model_validator(mode="after")
    def _compare(self) -> Self:
        if len(self.timestamps) != len(self.values):
            raise ValueError(
                f"there are {len(self.timestamps)} timestamps and {len(self.values)} values"
            )
        lowest, highest = self.bounds or (None, None)
        if lowest is not None and highest is not None and not lowest < highest:
            raise ValueError("give the lowest bound first, null where there is none")
        return self

    def parse(self) -> MetricSeries:
        """Return the series."""
        lowest, highest = self.bounds or (None, None)
        trouble = tuple(one.parse() for one in self.trouble)
        revoked = tuple(one.parse() for one in self.revoked_routines)
        return MetricSeries(
            self.name, self.timestamps, self.values, self.unit, (lowest, highest), trouble, revoked
        )


class SeriesRequest(RequestModel):
    """A request about metric series; `BodyTooLarge` is raised for more points than the limit."""

    @model_validator(mode="before")
    @classmethod
    def _limit_points(cls, value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401
        points, most = count_points(value), info.context["max_points"] if info.context else np.inf
        if points > most:
            raise BodyTooLarge(f"{points} points are over the limit of {most}; send fewer at once")
        return value


class AnomaliesRequest(SeriesRequest):
    """The request of `/v1/anomalies`: the series, and the accepted rate of false alarms.

    `budget_per_week` is the number of false alarms a week for each series. Days and weeks are those
    of `time_zone`, a name such as `Europe/Berlin`. Validation raises `BodyTooLarge` for more points
    than the limit.
    """

    series: Annotated[list[SeriesInput], at_most("max_series", "series")]
    budget_per_week: float = Field(1.0, gt=0, le=168)
    time_zone: ZoneName = "UTC"

    @property
    def zone(self) -> tzinfo:
        """The time zone."""
        return UTC if self.time_zone == "UTC" else ZoneInfo(self.time_zone)

    @property
    def size(self) -> int:
        """The work that the request asks for; a thousand points count as one incident."""
        return 1 + sum(len(series.values) for series in self.series) // 1_000


def count_points(body: Any) -> int:  # noqa: ANN401
    """Return the number of points in a body that is not validated yet.

    A series has as many points as the longer of its two lists.
    """
    series = body.get("series") if isinstance(body, dict) else None
    if not isinstance(series, list):
        return 0
    return sum(
        max(_length(entry.get("timestamps")), _length(entry.get("values")))
        for entry in series
        if isinstance(entry, dict)
    )


def _length(value: object) -> int:
    return len(value) if isinstance(value, list) else 0


def read_times(times: Sequence[float | str]) -> NDArray[np.int64]:
    """Return times in unix seconds; numbers of 1e11 or more in size are milliseconds.

    Fractions of a second are rounded down. Raises `ValueError` for a text that is not ISO 8601, and
    for a time outside the years 1697 to 2262.

    >>> read_times([60, "1970-01-01T00:02:00Z", 1_700_000_000_000]).tolist()
    [60, 120, 1700000000]
    """
    seconds = np.array([time if isinstance(time, float | int) else _read(time) for time in times])
    seconds = seconds.astype(np.float64)
    seconds = np.where(np.abs(seconds) >= _MILLISECONDS_FROM, seconds / 1000, seconds)
    if not ((seconds >= _EARLIEST) & (seconds <= _LATEST)).all():
        raise ValueError("a timestamp is no time between the years 1697 and 2262")
    whole: NDArray[np.int64] = np.floor(seconds).astype(np.int64)
    return whole


def _read(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no ISO 8601 time") from None
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    # `read_times` refuses infinity; it would read the seconds of years after 5138 as milliseconds.
    return seconds if seconds <= _LATEST else np.inf
