"""Decides when people are warned that a series will reach its level, within a budget."""

import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from features.domain.telemetry.breach_warning import BreachWarning
from features.domain.telemetry.series_anomaly import SeriesPoints
from models.timeseries.forecast.breach_forecast import BreachForecast
from serving.watch.series_keys import SeriesKey

HORIZON = timedelta(hours=6)
_BUDGET_WINDOW = timedelta(days=7)
_TAKEN_BACK_BELOW = 0.5
_NEARLY_CERTAIN = 0.95


@dataclass(frozen=True, slots=True)
class WarnedSeries:
    """What a warning says about its series."""

    key: SeriesKey
    name: str
    service: str | None
    unit: str | None
    level: float
    direction: str


class BreachTracker:
    """The warnings of one group: those that last, and the false ones of the last seven days.

    A warning lasts until its level is reached, until it was not for six hours, until the series
    sends nothing, or until the probability falls below half of what is warned of. Once the budget
    of a week is spent on false warnings, only what is nearly certain is warned of.
    """

    def __init__(self, group: str, budget_per_week: float) -> None:
        self._group = group
        self._most_false = math.ceil(budget_per_week)
        self._open: dict[SeriesKey, BreachWarning] = {}
        self._false_since: list[datetime] = []
        self._quiet_until: dict[SeriesKey, datetime] = {}

    def restore(self, warnings: Iterable[BreachWarning]) -> None:
        """Continue with the warnings of an earlier watch."""
        for warning in warnings:
            if warning.ended_at is None:
                self._open[SeriesKey.of_anomaly(warning.id)] = warning
            elif warning.is_reached is False:
                self._false_since.append(warning.warned_at)

    def update(
        self,
        series: WarnedSeries,
        forecast: BreachForecast,
        threshold: float,
        now: datetime,
        draw: Callable[[], SeriesPoints],
    ) -> BreachWarning | None:
        """Return the warning that a forecast begins, changes or ends; None if it does none.

        `draw` returns the points of a warning that lasts; an ended one keeps the last of them.
        """
        (breach,) = forecast.breaches
        warning = self._open.get(series.key)
        if warning is None:
            is_due = self._is_due(series.key, breach.probability, threshold, now)
            if forecast.is_beyond or not is_due:
                return None
            warning = self._begin(series, now)
        elif forecast.is_beyond:
            return self._end(series.key, now, is_reached=True)
        elif (
            now >= warning.warned_at + HORIZON or breach.probability < _TAKEN_BACK_BELOW * threshold
        ):
            return self._end(series.key, now, is_reached=False)
        warning = replace(
            warning,
            probability=breach.probability,
            at=_time(breach.at),
            lower=_time(breach.lower),
            upper=_time(breach.upper),
            points=draw(),
        )
        self._open[series.key] = warning
        return warning

    def end_silent(
        self, query: str, keys: Collection[SeriesKey], now: datetime
    ) -> list[BreachWarning]:
        """End the warnings of a query's series that send nothing; nobody knows their outcome."""
        silent = [key for key in self._open if key.query == query and key not in keys]
        return [replace(self._open.pop(key), ended_at=now) for key in silent]

    def _is_due(self, key: SeriesKey, probability: float, threshold: float, now: datetime) -> bool:
        self._false_since = [at for at in self._false_since if at > now - _BUDGET_WINDOW]
        if len(self._false_since) >= self._most_false:
            threshold = max(threshold, _NEARLY_CERTAIN)
        quiet_until = self._quiet_until.get(key)
        return probability >= threshold and (quiet_until is None or now >= quiet_until)

    def _begin(self, series: WarnedSeries, now: datetime) -> BreachWarning:
        return BreachWarning(
            id=f"{series.key}@{now:%Y-%m-%dT%H:%M:%SZ}",
            group=self._group,
            series=series.name,
            service=series.service,
            unit=series.unit,
            level=series.level,
            direction=series.direction,
            probability=0.0,
            at=now,
            lower=now,
            upper=now,
            warned_at=now,
        )

    def _end(self, key: SeriesKey, now: datetime, *, is_reached: bool) -> BreachWarning:
        warning = self._open.pop(key)
        if not is_reached:
            self._false_since.append(warning.warned_at)
            self._quiet_until[key] = warning.warned_at + HORIZON
        return replace(warning, ended_at=now, is_reached=is_reached)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds), UTC)
