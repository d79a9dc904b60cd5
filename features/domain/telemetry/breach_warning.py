"""A warning that a metric series will probably reach a level, as the watcher stores it."""

from dataclasses import dataclass, field
from datetime import datetime

from features.domain.telemetry.series_anomaly import SeriesPoints


@dataclass(frozen=True, slots=True)
class BreachWarning:
    """A forecast that a series reaches its level within hours, which people were warned of.

    `id` is derived from the series and the time of the warning. `probability` is that of the newest
    forecast; if the level is reached, then by `at` in half of the cases, and between `lower` and
    `upper` in 80%. `direction` is `above` or `below`. `ended_at` is None while the warning lasts;
    then `is_reached` says whether the level was reached, and a warning that was not is false.
    `points` are the last values, and after them the expected course with its 80% band.
    """

    id: str
    group: str
    series: str
    service: str | None
    unit: str | None
    level: float
    direction: str
    probability: float
    at: datetime
    lower: datetime
    upper: datetime
    warned_at: datetime
    ended_at: datetime | None = None
    is_reached: bool | None = None
    points: SeriesPoints = field(default_factory=SeriesPoints)
