"""A stretch of a metric series that was out of line, as the watcher kept it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

Values = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class SeriesPoints:
    """The window to draw around an anomaly: five columns of one length, None where unknown.

    `times` are unix seconds, rising; the others are in the series' own units.
    """

    times: tuple[int, ...] = ()
    values: Values = ()
    expected: Values = ()
    lower: Values = ()
    upper: Values = ()


@dataclass(frozen=True, slots=True)
class SeriesAnomaly:
    """When a series left its band, how far, and which part of the detector says so.

    `id` is stable: that of the series and the onset. `ended_at` is None while it lasts. `effect` is
    the mean of value minus expected, `expected` and `value` are those at the peak, all in `unit`,
    the series' own; in a gap they are NaN. `alarms_per_week` tells how many false alarms a
    threshold at this score gives. `direction` is `up`, `down` or `gap`.
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
