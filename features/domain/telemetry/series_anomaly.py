"""An anomaly of a metric series, as the watcher stores it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import Any, Self

Values = tuple[float | None, ...]

_CURVES = ("values", "expected", "lower", "upper")


@dataclass(frozen=True, slots=True)
class SeriesPoints:
    """The points to draw of a series: five columns of equal length, None for unknown values.

    `times` are Unix seconds in ascending order; the other columns are in the series' own unit.
    """

    times: tuple[int, ...] = ()
    values: Values = ()
    expected: Values = ()
    lower: Values = ()
    upper: Values = ()

    def to_json(self) -> dict[str, Any]:
        """Return one list for each column; NaN and infinity become None.

        >>> SeriesPoints((60,), (float("nan"),), (1.0,), (None,), (2.0,)).to_json()["values"]
        [None]
        """
        # JSON has no NaN and no infinity, and PostgreSQL refuses them.
        columns = {name: getattr(self, name) for name in _CURVES}
        return {"times": [int(time) for time in self.times]} | {
            name: [None if one is None or not isfinite(one) else float(one) for one in values]
            for name, values in columns.items()
        }

    @classmethod
    def of_json(cls, columns: Mapping[str, Any] | None) -> Self:
        """Return the points that `to_json` wrote; none for None.

        >>> SeriesPoints.of_json(None).times
        ()
        """
        return cls(**{name: tuple(values) for name, values in (columns or {}).items()})


@dataclass(frozen=True, slots=True)
class SeriesAnomaly:
    """A period in which a series was outside its expected band, or had no values (a gap).

    `id` is derived from the series and the onset, so it is stable. `ended_at` is None while the
    anomaly lasts. `expected` and `value` are those of the point farthest from its expected value.
    `effect` is the mean of value minus expected over the points that deviate in the same direction
    as that point. All three are in `unit`, the unit of the series, and NaN in a gap.
    `alarms_per_week` is the number of false alarms per week with a threshold at `score`. `channel`
    is the part of the detector that found the anomaly. `direction` is `up`, `down` or `gap`.
    """

    id: str
    series: str
    service: str | None
    labels: Mapping[str, str]
    unit: str | None
    onset_at: datetime
    detected_at: datetime
    ended_at: datetime | None
    effect: float
    expected: float
    value: float
    score: float
    alarms_per_week: float
    channel: str
    direction: str
    points: SeriesPoints = field(default_factory=SeriesPoints)
