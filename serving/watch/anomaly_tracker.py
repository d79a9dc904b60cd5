"""Follows the flags of a query's series from their onset to their end, as anomalies to keep."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.domain.series_anomaly import SeriesAnomaly, SeriesPoints
from models.timeseries.anomaly_flags import APART_SECONDS, Flag, find_flags
from serving.watch.score_window import Window
from serving.watch.series_keys import SeriesKey
from serving.watch.watched_query import WatchedQuery

QUIET_STEPS = 5
_APART = timedelta(seconds=APART_SECONDS)
_DRAWN_POINTS = 180
_DRAWN_SECONDS = 3 * 3_600


class AnomalyTracker:
    """Keeps the anomalies of one query that last, or that a later flag may still belong to.

    Flags are found in the latest points only, and an anomaly is over when the last few of them were
    usual. A flag that begins within an hour after goes on with that anomaly, whose id and onset
    stay, so that people who hear of it again know what of.
    """

    def __init__(self, query: WatchedQuery) -> None:
        self._query = query
        self._known: dict[SeriesKey, list[SeriesAnomaly]] = {}

    def restore(self, anomalies: Sequence[SeriesAnomaly]) -> None:
        """Take up the anomalies that a watch before this one kept."""
        for anomaly in anomalies:
            self._known.setdefault(SeriesKey.of_anomaly(anomaly.id), []).append(anomaly)

    @property
    def known(self) -> list[SeriesAnomaly]:
        """The anomalies that last or ended lately."""
        return [anomaly for of_series in self._known.values() for anomaly in of_series]

    def follow(self, window: Window, budget_per_week: float) -> list[SeriesAnomaly]:
        """Look at the latest points; return what began, went on or ended, also if only to draw."""
        hot = (window.scores.alarms_per_week <= budget_per_week).any(axis=1)
        rows = {self._query.keys[row]: int(row) for row in np.flatnonzero(hot)}
        for key in self._known:
            row = self._query.row_of(key)
            if row is not None:
                rows[key] = row
        changed = []
        for key, row in rows.items():
            changed += self._follow_one(key, row, window.series(np.array([row])), budget_per_week)
        return changed

    def end(self, keys: Iterable[SeriesKey], now: datetime) -> list[SeriesAnomaly]:
        """End what lasts of series that are no longer watched, and return it."""
        return [
            replace(anomaly, ended_at=max(now, anomaly.onset_at))
            for key in keys
            for anomaly in self._known.pop(key, [])
            if anomaly.ended_at is None
        ]

    def _follow_one(
        self, key: SeriesKey, row: int, series: Window, budget_per_week: float
    ) -> list[SeriesAnomaly]:
        before = self._known.get(key, [])
        known = {anomaly.id: anomaly for anomaly in before}
        met = {self._meet(known, key, row, flag) for flag in self._flags(series, budget_per_week)}
        for anomaly in before:
            if (
                anomaly.id not in met
                and anomaly.ended_at is None
                and _is_quiet(series, budget_per_week)
            ):
                ended_at = max(at(int(series.times[0])), anomaly.onset_at)
                known[anomaly.id] = replace(anomaly, ended_at=ended_at)
        drawn = [_draw(anomaly, series, self._query.step_seconds) for anomaly in known.values()]
        self._keep(key, drawn, at(int(series.times[0])) - _APART)
        return [anomaly for anomaly in drawn if anomaly not in before]

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
        # A flag waits an hour for more of the same; who was called must hear earlier that it ended.
        last = series.times[scores.alarms_per_week <= budget_per_week][-1]
        return [*flags[:-1], replace(flags[-1], ended_at=at(int(last)))]

    def _meet(self, known: dict[str, SeriesAnomaly], key: SeriesKey, row: int, flag: Flag) -> str:
        """Go on with the anomaly that the flag belongs to, or begin one; return its id."""
        for anomaly in known.values():
            if _belongs(flag, anomaly):
                known[anomaly.id] = _go_on(anomaly, flag)
                return anomaly.id
        begun = self._begin(key, row, flag)
        known[begun.id] = begun
        return begun.id

    def _begin(self, key: SeriesKey, row: int, flag: Flag) -> SeriesAnomaly:
        return SeriesAnomaly(
            id=key.anomaly_id(flag.onset_at),
            series=self._query.shown[row],
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
        kept = [each for each in anomalies if each.ended_at is None or each.ended_at >= since]
        if kept:
            self._known[key] = kept
        else:
            self._known.pop(key, None)


def at(seconds: float) -> datetime:
    """Return the aware time of unix seconds."""
    return datetime.fromtimestamp(seconds, UTC)


def _belongs(flag: Flag, anomaly: SeriesAnomaly) -> bool:
    begins_in_time = anomaly.ended_at is None or flag.onset_at <= anomaly.ended_at + _APART
    return begins_in_time and (flag.ended_at is None or flag.ended_at >= anomaly.onset_at)


def _go_on(anomaly: SeriesAnomaly, flag: Flag) -> SeriesAnomaly:
    # A flag that begins later than its anomaly shows only the part that is still in the window.
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


def _draw(anomaly: SeriesAnomaly, series: Window, step_seconds: int) -> SeriesAnomaly:
    """Add the points of the window that are to be drawn around the anomaly and are not yet."""
    onset = int(anomaly.onset_at.timestamp())
    around = min(_DRAWN_SECONDS, _DRAWN_POINTS * step_seconds)
    drawn = anomaly.points
    first = drawn.times[-1] + 1 if drawn.times else onset - around
    part = (series.times >= first) & (series.times <= onset + around)
    if not part.any():
        return anomaly
    points = SeriesPoints(
        times=drawn.times + tuple(series.times[part].tolist()),
        values=drawn.values + _column(series.values, part),
        expected=drawn.expected + _column(series.scores.expected, part),
        lower=drawn.lower + _column(series.scores.lower, part),
        upper=drawn.upper + _column(series.scores.upper, part),
    )
    return replace(anomaly, points=points)


def _column(array: NDArray[Any], part: NDArray[np.bool_]) -> tuple[float | None, ...]:
    found = array[0, part].tolist()
    return tuple(each if isfinite(each) else None for each in found)
