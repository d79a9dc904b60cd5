"""What callers may send to have metric series forecast."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from models.base.series_model import LevelledSeries
from serving.schemas.requests import at_most
from serving.schemas.series import Bound, SeriesInput, SeriesRequest

_PATTERN = "^[1-9][0-9]{0,5}[mhd]$"
_HORIZON = re.compile(r"([1-9][0-9]{0,5})([mhd])", re.ASCII)
_SECONDS = {"m": 60, "h": 3_600, "d": 86_400}
_LONGEST_DAYS = 14
_MOST_HORIZONS = 16


def _check_horizon(text: str) -> str:
    seconds_of(text)
    return text


def seconds_of(horizon: str) -> float:
    """Return the seconds of a horizon such as 30m, 6h or 7d; raises `ValueError`.

    >>> seconds_of("6h"), seconds_of("7d")
    (21600.0, 604800.0)
    """
    found = _HORIZON.fullmatch(horizon)
    seconds = float(found[1]) * _SECONDS[found[2]] if found else 0.0
    if not 0 < seconds <= _LONGEST_DAYS * _SECONDS["d"]:
        raise ValueError(
            f"{horizon[:20]!r} is no horizon such as 30m, 6h or 7d, of {_LONGEST_DAYS} days at most"
        )
    return seconds


Horizon = Annotated[
    str, AfterValidator(_check_horizon), WithJsonSchema({"type": "string", "pattern": _PATTERN})
]


class LevelledSeriesInput(SeriesInput):
    """A metric series, and the level that it should not reach from below or from above."""

    level: Bound
    direction: Literal["above", "below"] = "above"

    def parse_level(self) -> LevelledSeries:
        """Return the series with its level."""
        return LevelledSeries(self.parse(), self.level, self.direction)


class ForecastRequest(SeriesRequest):
    """The request of `/v1/forecast`: the series with their levels, and how far to look ahead."""

    series: Annotated[list[LevelledSeriesInput], at_most("max_series", "series")]
    horizons: Annotated[list[Horizon], Field(min_length=1, max_length=_MOST_HORIZONS)] = Field(
        ["1h", "6h", "24h", "7d"]
    )

    @property
    def seconds(self) -> list[float]:
        """The horizons in seconds."""
        return [seconds_of(horizon) for horizon in self.horizons]

    @property
    def size(self) -> int:
        """The work that the request asks for; a series costs about as much as an incident."""
        return len(self.series) + sum(len(series.values) for series in self.series) // 1_000
