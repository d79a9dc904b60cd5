"""An anomaly of a metric series, as the watcher stores it."""

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
    """A period in which a series left its expected band.

    `id` is derived from the series and the onset, so it is stable. `ended_at` is None while the
    anomaly lasts. `effect` is the mean of value minus expected; `expected` and `value` are those
    at the peak. All three are in `unit`, the series' own, and NaN in a gap. `alarms_per_week` is
    how many false alarms a week a threshold at this score gives. `channel` is the part of the
    detector that found the anomaly. `direction` is `up`, `down` or `gap`.
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
