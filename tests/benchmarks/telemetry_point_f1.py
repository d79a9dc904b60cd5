"""KPI's own figure: point-adjusted F1 where an event must be found in its first 7 points."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from telemetry_data import Flags, Floats, Seconds
from telemetry_scoring import WARM_UP, find_runs, resample

from models.base.estimate import Estimate

DELAY_POINTS = 7


@dataclass(frozen=True, slots=True)
class ScoredCurve:
    """Scores of a whole curve; its test part is judged by a threshold from its train part."""

    times: Seconds
    scores: Floats
    is_event: Flags
    is_test: Flags


@dataclass(frozen=True, slots=True)
class PointCounts:
    """Points found, falsely raised and missed, after adjustment."""

    found: float
    false: float
    missed: float

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall over points."""
        total = 2 * self.found + self.false + self.missed
        return 2 * self.found / total if total else 0.0


class _Part:
    """One part of a curve, reduced to what a threshold needs.

    An event counts with all its points if a score among its first eight (a delay of at most seven
    points) exceeds the threshold, else with none.
    """

    def __init__(self, curve: ScoredCurve, chosen: Flags) -> None:
        scores = np.where(np.isnan(curve.scores), -np.inf, curve.scores)[chosen]
        is_event = curve.is_event[chosen]
        runs = find_runs(is_event)
        self.peaks = np.array(
            [scores[r.start : min(r.stop, r.start + DELAY_POINTS + 1)].max() for r in runs]
        )
        self.lengths = np.array([float(run.stop - run.start) for run in runs])
        self.outside = np.sort(scores[~is_event])

    def count(self, threshold: float) -> PointCounts:
        found = float(self.lengths[self.peaks > threshold].sum())
        false = len(self.outside) - np.searchsorted(self.outside, threshold, side="right")
        return PointCounts(found, float(false), float(self.lengths.sum()) - found)


def carried_f1(curves: Sequence[ScoredCurve], *, per_curve: bool) -> Estimate:
    """Return F1 over the points of all test parts; the interval resamples curves.

    The threshold is the best on the labels of the train part (without its five days of warm-up):
    of each curve by itself if `per_curve`, else of all curves together.
    """
    train = [_Part(curve, ~curve.is_test & _is_warm(curve)) for curve in curves]
    test = [_Part(curve, curve.is_test) for curve in curves]
    groups = [[part] for part in train] if per_curve else [train] * len(train)
    counts = [part.count(_best_threshold(group)) for part, group in zip(test, groups, strict=True)]
    return _pooled_f1(counts)


def _is_warm(curve: ScoredCurve) -> Flags:
    return curve.times >= curve.times[0] + WARM_UP


def _best_threshold(parts: Sequence[_Part]) -> float:
    """Return the threshold of the best F1: it lies just below the peak of some event."""
    peaks = np.concatenate([part.peaks for part in parts])
    peaks = np.unique(peaks[peaks > -np.inf])
    if not len(peaks):
        return np.inf
    thresholds = np.nextafter(peaks, -np.inf)
    found = sum(_found_above(part, thresholds) for part in parts)
    false = sum(
        len(part.outside) - np.searchsorted(part.outside, thresholds, side="right")
        for part in parts
    )
    labelled = sum(part.lengths.sum() for part in parts)
    return float(thresholds[np.argmax(2 * found / (found + false + labelled))])


def _found_above(part: _Part, thresholds: Floats) -> Floats:
    order = np.argsort(part.peaks)
    below = np.concatenate([[0.0], np.cumsum(part.lengths[order])])
    places = np.searchsorted(part.peaks[order], thresholds, side="right")
    return below[-1] - below[places]


def _pooled_f1(counts: Sequence[PointCounts]) -> Estimate:
    table = np.array([[count.found, count.false, count.missed] for count in counts])
    found, false, missed = (resample(len(counts)) @ table).T
    low, high = np.quantile(2 * found / np.maximum(2 * found + false + missed, 1), [0.025, 0.975])
    return Estimate(PointCounts(*map(float, table.sum(axis=0))).f1, float(low), float(high))
