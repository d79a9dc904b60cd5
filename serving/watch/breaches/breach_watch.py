"""Forecasts the watched series that have a level, and warns of breaches."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from features.domain.telemetry.breach_warning import BreachWarning
from features.domain.telemetry.series_anomaly import SeriesPoints
from features.timeseries.breach_features import RecentCourse
from features.timeseries.level_blocks import to_level_blocks
from models.timeseries.forecast.breach_forecast import forecast_breaches
from models.timeseries.forecast.warning_threshold import warning_threshold
from serving.runtime.http_client import RequestFailed
from serving.watch.anomaly_tracker import at
from serving.watch.breaches.breach_alert import breach_alert
from serving.watch.breaches.breach_points import breach_points
from serving.watch.breaches.breach_tracker import HORIZON, BreachTracker, WarnedSeries
from serving.watch.breaches.past_values import PastValues
from serving.watch.clients.alertmanager import AlertmanagerClient
from serving.watch.clients.circuit_breaker import CircuitBreaker
from serving.watch.clients.prometheus import PrometheusClient
from serving.watch.config import WatchConfig
from serving.watch.series_keys import SeriesKey, series_name

FORECAST_SECONDS = 900.0
_THRESHOLD_SECONDS = 86_400.0
_MOST_SECONDS = 5.0

SaveWarnings = Callable[[Sequence[BreachWarning]], None]


@dataclass(slots=True)
class _Levelled:
    """A query with a level: the past of its series, and the thresholds of their warnings."""

    past: PastValues
    level: float
    breaker: CircuitBreaker
    thresholds: dict[SeriesKey, tuple[float, float]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.past.group.name}/{self.past.config.name}"


class BreachWatch:
    """Forecasts each quarter of an hour, and sends what changed, and what lasts, to Alertmanager.

    `save` stores warnings before they are sent. Queries without a level cost nothing.
    """

    def __init__(
        self,
        config: WatchConfig,
        prometheus: PrometheusClient,
        alertmanager: AlertmanagerClient | None,
        count_failure: Callable[[str], Callable[[], None]],
        save: SaveWarnings,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._prometheus = prometheus
        self._alertmanager = alertmanager
        self._save = save
        self._queries = [
            _Levelled(
                PastValues(group, series, config.step_seconds, config.history_days),
                series.level,
                CircuitBreaker(
                    "the past of a query",
                    {"query": f"{group.name}/{series.name}"},
                    count_failure("prometheus"),
                ),
            )
            for group, series in config.queries()
            if series.level is not None
        ]
        self._trackers = {
            group.name: BreachTracker(group.name, group.false_warnings_per_week)
            for group in config.groups
        }
        self._sending = CircuitBreaker("Alertmanager", {}, count_failure("alertmanager"))
        self._unsent: dict[str, BreachWarning] = {}
        self._waiting: deque[tuple[_Levelled, SeriesKey]] = deque()
        self._abandoned: list[BreachWarning] = []
        self._monotonic = monotonic
        self._due_at = 0.0

    def restore(self, warnings: Sequence[BreachWarning]) -> None:
        """Continue with the warnings of an earlier watch; those of other queries end."""
        forecast = {query.name for query in self._queries}
        for warning in warnings:
            if SeriesKey.of_anomaly(warning.id).query in forecast:
                self._trackers[warning.group].restore([warning])
            elif warning.ended_at is None:
                self._abandoned.append(warning)

    def step(self, now: float) -> None:
        """Forecast if it is due, save what changed, and send it.

        Forecasts take at most five seconds of a step; the others wait for the next steps.
        """
        changed = [replace(warning, ended_at=at(now)) for warning in self._abandoned]
        self._abandoned.clear()
        if not self._waiting and not self._due_at - FORECAST_SECONDS <= now < self._due_at:
            self._due_at = now + FORECAST_SECONDS
            changed += [warning for query in self._queries for warning in self._read(query, now)]
        changed += self._forecast_some(now)
        if changed:
            self._save(changed)
        self._unsent |= {warning.id: warning for warning in changed}
        self._send(now)

    def _read(self, query: _Levelled, now: float) -> list[BreachWarning]:
        """Read what is new of a query, and return the warnings of series that send nothing."""
        if not query.breaker.is_ready(now):
            return []
        try:
            query.past.read(self._prometheus, now)
        except RequestFailed as error:
            query.breaker.fail(str(error), now)
            return []
        query.breaker.succeed()
        keys = query.past.live_keys(now)
        self._waiting.extend((query, key) for key in keys)
        return self._trackers[query.past.group.name].end_silent(query.name, keys, at(now))

    def _forecast_some(self, now: float) -> list[BreachWarning]:
        found, until = [], self._monotonic() + _MOST_SECONDS
        while self._waiting and self._monotonic() < until:
            query, key = self._waiting.popleft()
            warning = self._forecast(query, key, now)
            if warning is not None:
                found.append(warning)
        return found

    def _forecast(self, query: _Levelled, key: SeriesKey, now: float) -> BreachWarning | None:
        config, group = query.past.config, query.past.group
        grid = query.past.grid(key)
        horizon = [HORIZON.total_seconds()]
        forecast = forecast_breaches(grid, query.level, config.direction, horizon)
        if forecast is None:
            return None
        labels = query.past.keys[key]
        label = config.service_label or group.service_label
        series = WarnedSeries(
            key,
            series_name(config.name, labels),
            (labels.get(label) if label else None) or group.service,
            config.unit,
            query.level,
            config.direction,
        )
        threshold = self._threshold(query, key, now)

        def draw() -> SeriesPoints:
            return breach_points(grid, query.level, config.direction, horizon[0])

        return self._trackers[group.name].update(series, forecast, threshold, at(now), draw)

    def _threshold(self, query: _Levelled, key: SeriesKey, now: float) -> float:
        """Return the threshold of a series, computed once a day from its past."""
        known = query.thresholds.get(key)
        if known is not None and 0 <= now - known[0] < _THRESHOLD_SECONDS:
            return known[1]
        config, group = query.past.config, query.past.group
        blocks = to_level_blocks(query.past.grid(key), query.level, config.direction)
        if blocks is None:
            return 1.0
        series = sum(len(other.past.keys) for other in self._queries if other.past.group == group)
        threshold = warning_threshold(
            blocks,
            RecentCourse.of(blocks),
            HORIZON.total_seconds(),
            group.false_warnings_per_week / max(1, series),
        )
        query.thresholds[key] = now, threshold
        return threshold

    def _send(self, now: float) -> None:
        if not self._unsent or self._alertmanager is None or not self._sending.is_ready(now):
            return
        promql = {query.name: query.past.config.query for query in self._queries}
        alerts = [
            breach_alert(
                warning,
                promql.get(SeriesKey.of_anomaly(warning.id).query, ""),
                self._config.prometheus.url,
                self._config.link,
                at(now),
            )
            for warning in self._unsent.values()
        ]
        try:
            self._alertmanager.post(alerts)
        except RequestFailed as error:
            self._sending.fail(str(error), now)
            return
        self._sending.succeed()
        self._unsent.clear()
