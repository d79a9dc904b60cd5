"""Tracks the anomalies of a query's series from onset to end."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from heapq import nsmallest
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.domain.telemetry.series_anomaly import SeriesAnomaly, SeriesPoints
from models.timeseries.anomaly_flags import APART_SECONDS, Flag, find_flags
from serving.watch.score_window import Window
from serving.watch.series_keys import SeriesKey
from serving.watch.watched_query import WatchedQuery

QUIET_STEPS = 5
_APART = timedelta(seconds=APART_SECONDS)
_DRAWN_POINTS = 180
_DRAWN_SECONDS = 3 * 3_600
# In a burst of thousands of anomalies, the points of their charts would delay the notification.
# The window still has the points when their turn comes.
_MOST_DRAWN = 500


class AnomalyTracker:
    """Tracks one query's lasting anomalies, and the ended anomalies that a flag may continue.

    Flags are found in the latest points only. An anomaly ends when the last five points are not
    anomalous. A flag that begins within an hour after the end continues the same anomaly: its id
    and onset stay, so that people recognise it when they are notified again.
    """

    def __init__(self, query: WatchedQuery) -> None:
        self._query = query
        self._recent: dict[SeriesKey, list[SeriesAnomaly]] = {}
        self._drawn_at: dict[SeriesKey, int] = {}

    def restore(self, anomalies: Sequence[SeriesAnomaly]) -> None:
        """Continue with the anomalies that an earlier watch stored."""
        for anomaly in anomalies:
            self._recent.setdefault(SeriesKey.of_anomaly(anomaly.id), []).append(anomaly)

    @property
    def recent(self) -> list[SeriesAnomaly]:
        """The anomalies that last, or that ended no earlier than an hour before the window."""
        return [anomaly for anomalies in self._recent.values() for anomaly in anomalies]

    def update(self, window: Window, budget_per_week: float) -> list[SeriesAnomaly]:
        """Search the latest points; return the anomalies that are new, changed or ended."""
        is_anomalous = (window.scores.alarms_per_week <= budget_per_week).any(axis=1)
        rows = {self._query.keys[row]: int(row) for row in np.flatnonzero(is_anomalous)}
        for key in self._recent:
            row = self._query.row_of(key)
            if row is not None:
                rows[key] = row
        drawn = self._choose_drawn(rows)
        changed = []
        for key, row in rows.items():
            series = window.series(slice(row, row + 1))
            changed += self._update_series(key, row, series, budget_per_week, is_drawn=key in drawn)
        self._drawn_at |= dict.fromkeys(drawn & self._recent.keys(), int(window.times[-1]))
        return changed

    def _choose_drawn(self, keys: Collection[SeriesKey]) -> set[SeriesKey]:
        """Return the series whose charts get points now: those that waited longest, if too many."""
        self._drawn_at = {key: at for key, at in self._drawn_at.items() if key in self._recent}
        if len(keys) <= _MOST_DRAWN:
            return set(keys)
        return set(nsmallest(_MOST_DRAWN, keys, key=lambda key: self._drawn_at.get(key, 0)))

    def end(self, keys: Iterable[SeriesKey], now: datetime) -> list[SeriesAnomaly]:
        """End the lasting anomalies of series that are no longer watched, and return them."""
        return [
            replace(anomaly, ended_at=max(now, anomaly.onset_at))
            for key in keys
            for anomaly in self._recent.pop(key, [])
            if anomaly.ended_at is None
        ]

    def _update_series(
        self, key: SeriesKey, row: int, series: Window, budget_per_week: float, *, is_drawn: bool
    ) -> list[SeriesAnomaly]:
        before = self._recent.get(key, [])
        by_id = {anomaly.id: anomaly for anomaly in before}
        flagged_ids = {
            self._assign(by_id, key, row, flag) for flag in self._flags(series, budget_per_week)
        }
        for anomaly in before:
            if (
                anomaly.id not in flagged_ids
                and anomaly.ended_at is None
                and _is_quiet(series, budget_per_week)
            ):
                ended_at = max(at(int(series.times[0])), anomaly.onset_at)
                by_id[anomaly.id] = replace(anomaly, ended_at=ended_at)
        after = list(by_id.values())
        if is_drawn:
            after = [_add_points(anomaly, series, self._query.step_seconds) for anomaly in after]
        self._keep(key, after, at(int(series.times[0])) - _APART)
        return [anomaly for anomaly in after if anomaly not in before]

    def _flags(self, series: Window, budget_per_week: float) -> list[Flag]:
        scores = series.scores.of_series(0)
        flags = find_flags(
            series.times,
            series.values[0],
            scores,
            budget_per_week=budget_per_week,
            step_seconds=self._query.step_seconds,
        )
        if not flags or not _is_quiet(series, budget_per_week):
            return list(flags)
        # `find_flags` ends a flag only after an hour; people are notified of the end earlier.
        last = series.times[scores.alarms_per_week <= budget_per_week][-1]
        return [*flags[:-1], replace(flags[-1], ended_at=at(int(last)))]

    def _assign(self, by_id: dict[str, SeriesAnomaly], key: SeriesKey, row: int, flag: Flag) -> str:
        """Continue the anomaly that a flag belongs to, or add a new one; return its id."""
        for anomaly in by_id.values():
            if _belongs(flag, anomaly):
                by_id[anomaly.id] = _continue(anomaly, flag)
                return anomaly.id
        anomaly = self._new_anomaly(key, row, flag)
        by_id[anomaly.id] = anomaly
        return anomaly.id

    def _new_anomaly(self, key: SeriesKey, row: int, flag: Flag) -> SeriesAnomaly:
        return SeriesAnomaly(
            id=key.anomaly_id(flag.onset_at),
            series=self._query.names[row],
            service=self._query.services[row],
            labels=self._query.labels[row],
            unit=self._query.config.unit,
            onset_at=flag.onset_at,
            detected_at=flag.detected_at,
            ended_at=flag.ended_at,
            effect=flag.effect,
            expected=flag.expected,
            value=flag.value,
            score=flag.score,
            alarms_per_week=flag.alarms_per_week,
            channel=flag.channel,
            direction=flag.direction,
        )

    def _keep(self, key: SeriesKey, anomalies: Sequence[SeriesAnomaly], since: datetime) -> None:
        recent = [
            anomaly
            for anomaly in anomalies
            if anomaly.ended_at is None or anomaly.ended_at >= since
        ]
        if recent:
            self._recent[key] = recent
        else:
            self._recent.pop(key, None)


def at(seconds: float) -> datetime:
    """Return Unix seconds as a datetime in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def _belongs(flag: Flag, anomaly: SeriesAnomaly) -> bool:
    begins_before_gap = anomaly.ended_at is None or flag.onset_at <= anomaly.ended_at + _APART
    return begins_before_gap and (flag.ended_at is None or flag.ended_at >= anomaly.onset_at)


def _continue(anomaly: SeriesAnomaly, flag: Flag) -> SeriesAnomaly:
    # A flag that begins after its anomaly covers only the part that is still in the window.
    is_whole = flag.onset_at <= anomaly.onset_at
    if anomaly.ended_at is None or flag.ended_at is None or flag.ended_at > anomaly.ended_at:
        anomaly = replace(anomaly, ended_at=flag.ended_at)
    if is_whole:
        anomaly = replace(anomaly, effect=flag.effect)
    if not flag.score > anomaly.score:
        return anomaly
    return replace(
        anomaly,
        expected=flag.expected,
        value=flag.value,
        score=flag.score,
        alarms_per_week=flag.alarms_per_week,
        channel=flag.channel,
        direction=flag.direction,
    )


def _is_quiet(series: Window, budget_per_week: float) -> bool:
    latest = series.scores.alarms_per_week[0, -QUIET_STEPS:]
    return len(latest) == QUIET_STEPS and bool((latest > budget_per_week).all())


def _add_points(anomaly: SeriesAnomaly, series: Window, step_seconds: int) -> SeriesAnomaly:
    """Return an anomaly with the new points around its onset added; its chart draws them."""
    onset = int(anomaly.onset_at.timestamp())
    margin = min(_DRAWN_SECONDS, _DRAWN_POINTS * step_seconds)
    before = anomaly.points
    first = before.times[-1] + 1 if before.times else onset - margin
    is_new = (series.times >= first) & (series.times <= onset + margin)
    if not is_new.any():
        return anomaly
    points = SeriesPoints(
        times=before.times + tuple(series.times[is_new].tolist()),
        values=before.values + _finite_values(series.values, is_new),
        expected=before.expected + _finite_values(series.scores.expected, is_new),
        lower=before.lower + _finite_values(series.scores.lower, is_new),
        upper=before.upper + _finite_values(series.scores.upper, is_new),
    )
    return replace(anomaly, points=points)


def _finite_values(array: NDArray[Any], mask: NDArray[np.bool_]) -> tuple[float | None, ...]:
    values = array[0, mask]
    if np.isfinite(values).all():
        return tuple(values.tolist())
    return tuple(value if isfinite(value) else None for value in values.tolist())
