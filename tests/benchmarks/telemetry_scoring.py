"""Judges alarms as on-call feels them: recall of events at so many false alarms a week."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from telemetry_data import Flags, Floats, Seconds

from models.base.estimate import Estimate

BUDGETS = (0.25, 1.0, 7.0)
FOLDS = 8
DEDUPLICATION = 3600
WARM_UP = 5 * 86400
_WEEK = 7 * 86400
_RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class ScoredSeries:
    """A method's scores of one series, higher is more anomalous; NaN scores never alarm.

    All arrays have shape (points,); `times` are unix seconds, rising.
    """

    times: Seconds
    scores: Floats
    is_event: Flags


@dataclass(frozen=True, slots=True)
class SeriesAlarms:
    """What a threshold did on one series after its warm-up.

    `delays` has shape (events,): minutes from an event's start to its first alarm, NaN if missed.
    """

    delays: Floats
    false_alarms: int
    weeks: float

    @property
    def false_alarms_per_week(self) -> float:
        """False alarms, de-duplicated, in a week of the series' time."""
        return self.false_alarms / self.weeks


class AlarmScorer:
    """Judges one method on all series of a source.

    Events are runs of labelled points that start after the warm-up; one is hit if a score in it
    exceeds the threshold. An exceedance outside events is a false alarm if none was counted in the
    hour before it.
    """

    def __init__(self, series: Sequence[ScoredSeries]) -> None:
        self._judged = [_Judged(curve) for curve in series]

    def judge_carried(self, budget_per_week: float, folds: int = FOLDS) -> list[SeriesAlarms]:
        """Judge each series by the threshold that keeps the budget on the other folds' series."""
        fold_of = np.arange(len(self._judged)) % folds
        alarms_of: dict[int, SeriesAlarms] = {}
        for fold in range(folds):
            others = [s for s, its in zip(self._judged, fold_of, strict=True) if its != fold]
            threshold = find_threshold(others, budget_per_week)
            for row in np.flatnonzero(fold_of == fold):
                alarms_of[row] = self._judged[row].alarms(threshold)
        return [alarms_of[row] for row in range(len(self._judged))]

    def judge_at(self, threshold: float) -> list[SeriesAlarms]:
        """Judge every series by one threshold that a score must exceed."""
        return [curve.alarms(threshold) for curve in self._judged]


class _Judged:
    """A series cut into what can hit and what can be a false alarm."""

    def __init__(self, series: ScoredSeries) -> None:
        scores = np.where(np.isnan(series.scores), -np.inf, series.scores.astype(np.float64))
        start = series.times[0] + WARM_UP
        runs = find_runs(series.is_event)
        self._events = [
            (series.times[run], scores[run]) for run in runs if series.times[run.start] >= start
        ]
        outside = ~series.is_event & (series.times >= start)
        self._times, self._scores = series.times[outside], scores[outside]
        hours = (self._times - start) // DEDUPLICATION
        firsts = np.flatnonzero(np.diff(hours, prepend=-1))
        self.hourly_maxima = np.maximum.reduceat(self._scores, firsts) if len(firsts) else firsts
        self.weeks = float(series.times[-1] - start) / _WEEK

    def count_false_alarms(self, threshold: float) -> int:
        times = self._times[self._scores > threshold]
        count = place = 0
        while place < len(times):
            count += 1
            place = int(np.searchsorted(times, times[place] + DEDUPLICATION))
        return count

    def alarms(self, threshold: float) -> SeriesAlarms:
        delays = [_delay(times, scores > threshold) for times, scores in self._events]
        return SeriesAlarms(np.array(delays), self.count_false_alarms(threshold), self.weeks)


def find_threshold(series: Sequence[_Judged], budget_per_week: float) -> float:
    """Return the lowest threshold that keeps to the budget on average over the series' weeks.

    Hours with an exceedance are at least as many as alarms and at most twice as many, so only
    their highest scores can be the threshold.
    """
    allowed = budget_per_week * sum(curve.weeks for curve in series)
    maxima = np.concatenate([curve.hourly_maxima for curve in series])
    candidates = np.unique(np.sort(maxima)[-int(2 * allowed) - 2 :])
    low, high = 0, len(candidates) - 1
    while low < high:
        middle = (low + high) // 2
        count = sum(curve.count_false_alarms(candidates[middle]) for curve in series)
        low, high = (low, middle) if count <= allowed else (middle + 1, high)
    return float(candidates[low])


def find_runs(marked: Flags) -> list[slice]:
    """Return the runs of True.

    >>> find_runs(np.array([True, False, True, True]))
    [slice(0, 1, None), slice(2, 4, None)]
    """
    edges = np.flatnonzero(np.diff(marked.astype(np.int8), prepend=0, append=0))
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def event_recall(alarms: Sequence[SeriesAlarms]) -> Estimate:
    """Return the share of all series' events that were hit; the interval resamples series."""
    return _ratio(*_hits(alarms))


def compare_recall(ours: Sequence[SeriesAlarms], other: Sequence[SeriesAlarms]) -> Estimate:
    """Return the recall of ours less another's, paired by series."""
    (ours_hit, events), (other_hit, _) = _hits(ours), _hits(other)
    return _ratio(ours_hit - other_hit, events)


def median_delay(alarms: Sequence[SeriesAlarms]) -> float | None:
    """Return the median of minutes until the first alarm over the events that were hit, if any."""
    delays = np.concatenate([curve.delays for curve in alarms])
    hit = delays[~np.isnan(delays)]
    return float(np.median(hit)) if len(hit) else None


def mean_rate(alarms: Sequence[SeriesAlarms]) -> Estimate:
    """Return false alarms a week and series; the interval resamples series."""
    counts = np.array([curve.false_alarms for curve in alarms], dtype=np.float64)
    return _ratio(counts, np.array([curve.weeks for curve in alarms]))


def high_rate(alarms: Sequence[SeriesAlarms]) -> float:
    """Return the 90th percentile over series of false alarms a week."""
    return float(np.quantile([curve.false_alarms_per_week for curve in alarms], 0.9))


def _hits(alarms: Sequence[SeriesAlarms]) -> tuple[Floats, Floats]:
    hit = [np.count_nonzero(~np.isnan(curve.delays)) for curve in alarms]
    return np.array(hit, dtype=np.float64), np.array([float(len(a.delays)) for a in alarms])


def _ratio(parts: Floats, wholes: Floats) -> Estimate:
    weights = resample(len(parts))
    ratios = (weights @ parts) / np.maximum(weights @ wholes, 1e-9)
    low, high = np.quantile(ratios, [0.025, 0.975])
    return Estimate(float(parts.sum() / wholes.sum()), float(low), float(high))


def resample(count: int) -> NDArray[np.float64]:
    """Return how often each of `count` series is drawn, shape (resamples, count)."""
    drawn = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), _RESAMPLES)
    return drawn.astype(np.float64)


def _delay(times: Seconds, exceeds: Flags) -> float:
    return float(times[exceeds.argmax()] - times[0]) / 60 if exceeds.any() else np.nan
