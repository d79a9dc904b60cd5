"""NAB's standard score by its published rules (Lavin, Ahmad 2015), threshold carried over."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from telemetry_data import Flags, Floats
from telemetry_scoring import find_runs, resample

from models.base.estimate import Estimate

_FOUND, _FALSE, _MISSED = 1.0, 0.11, 1.0
_STEEPNESS = 5.0
_FAR_PAST = 3.0
_PROBATION = 0.15
_MOST_PROBATION = 750
_MOST_THRESHOLDS = 4000
_HALVES = 2


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """Scores of the rows of one file, and which rows lie in an anomaly's window."""

    scores: Floats
    is_window: Flags


class NabSeries:
    """One file reduced to what a threshold needs.

    A window gives up to 1 for its first detection, less the later that is; -1 if it has none. Any
    other detection costs 0.11, less shortly after a window. The first 15% of rows, 750 at most, are
    probation and not judged.
    """

    def __init__(self, rows: ScoredRows) -> None:
        scores = np.where(np.isnan(rows.scores), -np.inf, rows.scores)
        probation = count_probation(len(scores))
        windows = find_runs(rows.is_window)
        costs = -_FALSE * _weigh_false(len(scores), windows)
        judged = np.arange(len(scores)) >= probation
        outside = ~rows.is_window & judged
        order = np.argsort(scores[outside])
        self._outside = scores[outside][order]
        self._costs = np.concatenate([[0.0], np.cumsum(costs[outside][order])])
        self._windows = [
            _Window(np.where(judged[run], scores[run], -np.inf))
            for run in windows
            if run.stop > probation
        ]
        self.most_scores = np.concatenate([self._outside, scores[rows.is_window & judged]])

    @property
    def windows(self) -> int:
        """How many windows are judged; also the perfect score, and the null score negated."""
        return len(self._windows)

    def score(self, thresholds: Floats) -> Floats:
        """Return the raw score at each of ascending thresholds, which a detection must exceed."""
        places = np.searchsorted(self._outside, thresholds, side="right")
        gained = sum((window.score(thresholds) for window in self._windows), np.zeros(1))
        return self._costs[-1] - self._costs[places] + gained


class _Window:
    def __init__(self, scores: Floats) -> None:
        self._highest_so_far = np.maximum.accumulate(scores)
        positions = (np.arange(len(scores)) - len(scores)) / len(scores)
        gains = _FOUND * scale(positions) / scale(np.array([-1.0]))
        self._gains = np.append(gains, -_MISSED)

    def score(self, thresholds: Floats) -> Floats:
        return self._gains[np.searchsorted(self._highest_so_far, thresholds, side="right")]


def count_probation(rows: int) -> int:
    """Return how many rows at the start are not judged.

    >>> count_probation(4000), count_probation(20_000)
    (600, 750)
    """
    return int(min(_PROBATION * rows, _MOST_PROBATION))


def scale(positions: Floats) -> Floats:
    """Weigh positions relative to a window: -1 at its first row, 0 just past its end."""
    return np.where(positions > _FAR_PAST, -1.0, 2 / (1 + np.exp(_STEEPNESS * positions)) - 1)


def carried_nab_score(rows: Sequence[ScoredRows]) -> Estimate:
    """Return the standard score, 0 for silence, 100 for perfection; the interval resamples files.

    The threshold for each half of the files, every other one, is the best of the other half.
    """
    series = [NabSeries(row) for row in rows]
    halves = [series[half::_HALVES] for half in range(_HALVES)]
    best = [_best_threshold(half) for half in halves]
    raw = [curve.score(best[1 - place % _HALVES])[0] for place, curve in enumerate(series)]
    return _normalised(np.array(raw), np.array([float(curve.windows) for curve in series]))


def _best_threshold(series: Sequence[NabSeries]) -> Floats:
    scores = np.unique(np.concatenate([curve.most_scores for curve in series]))
    scores = scores[np.isfinite(scores)]
    places = np.unique(
        len(scores) - np.geomspace(1, len(scores), _MOST_THRESHOLDS).astype(np.int64)
    )
    thresholds = scores[places]
    totals = sum((curve.score(thresholds) for curve in series), np.zeros(len(thresholds)))
    return thresholds[[int(np.argmax(totals))]]


def _weigh_false(rows: int, windows: Sequence[slice]) -> Floats:
    """Weigh detections outside windows, shape (rows,): 1 far from, little just past a window."""
    weights = np.ones(rows)
    for window in windows:
        past = np.arange(1, rows - window.stop + 1)
        weights[window.stop :] = -scale(past / max(window.stop - window.start - 1, 1))
    return weights


def _normalised(raw: Floats, windows: NDArray[np.float64]) -> Estimate:
    drawn = resample(len(raw))
    gained, most = drawn @ (raw + windows), 2 * (drawn @ windows)
    low, high = np.quantile(100 * gained / np.maximum(most, 1), [0.025, 0.975])
    total = float(100 * (raw + windows).sum() / (2 * windows.sum()))
    return Estimate(total, float(low), float(high))
