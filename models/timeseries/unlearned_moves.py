"""Scores series that do not learn from their moves while an incident is open on their service."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.base.series_model import SeriesModel, SeriesScores
from models.timeseries.confirmed_trouble import Trouble, is_within, put_back

MOVED_PER_WEEK = 1.0
"""A series moves while one of its last points is as rare as one a week, or rarer.

With rarer points only, small trouble would be learned; with more frequent ones, the ordinary peaks
of an incident's time would be missing in what is learned: see
`python tests/benchmarks/unlearned_moves.py`.
"""
MOVED_POINTS = 5


@dataclass(slots=True)
class UnlearnedMoves:
    """Updates series, part by part; those that move in times of trouble do not learn.

    `trouble` has times from and until, in unix seconds, by the row of their series. `earlier`, of
    shape (series, points), has the alarms a week of the last points before, and moves on with each
    part. A series that moves keeps its state but for `seen_until`, and is scored as if its last
    usual point had just been; series that do not move learn as ever. The result does not depend on
    how the points are split.

    >>> from models.timeseries.anomaly_model import AnomalyModel
    >>> model, times = AnomalyModel(step_seconds=3600), 3600 * np.arange(1, 337)
    >>> values = np.where(times < 13 * 86_400, np.sin(times / 13750.99), 9.0)[None]
    >>> states, nothing = model.start(1), np.empty((1, 0))
    >>> moves = UnlearnedMoves({0: ((13 * 86_400.0, 1e9),)}, model, nothing)
    >>> scores = moves.update(states, times, values, times)
    >>> bool((scores.alarms_per_week[0, -24:] < 1).all())
    True
    """

    trouble: Mapping[int, Trouble]
    model: SeriesModel
    earlier: NDArray[np.float64]

    def update(
        self,
        states: NDArray[np.void],
        times: NDArray[np.int64],
        values: NDArray[np.float64],
        clock: NDArray[np.int64],
    ) -> SeriesScores:
        """Score the next points of all series as `SeriesModel.update` does."""
        before = [
            (inside, rows, states[rows])
            for periods, rows in _rows_by_trouble(self.trouble)
            if (inside := is_within(periods, times)).any()
        ]
        scores = self.model.update(states, times, values, clock)
        for inside, rows, own in before:
            earlier = self.earlier[rows]
            alarms = np.concatenate([earlier, scores.alarms_per_week[rows]], axis=1)
            moved = _has_moved(alarms)[:, -len(times) :][:, inside].any(axis=1)
            if moved.any():
                part, again, recent = rows[moved], own[moved], earlier[moved]
                new = _update_again(inside, self.model, again, times, values[part], clock, recent)
                states[part] = again
                scores.replace_series(part, new)
        alarms = np.concatenate([self.earlier, scores.alarms_per_week], axis=1)
        self.earlier = alarms[:, -(MOVED_POINTS - 1) :]
        return scores


def _update_again(
    inside: NDArray[np.bool_],
    model: SeriesModel,
    states: NDArray[np.void],
    times: NDArray[np.int64],
    values: NDArray[np.float64],
    clock: NDArray[np.int64],
    recent: NDArray[np.float64],
) -> SeriesScores:
    """Score the points in times of trouble, a mask, one by one, and those between together."""
    borders = np.flatnonzero(inside[1:] | inside[:-1]) + 1
    parts = []
    for first, last in pairwise([0, *borders.tolist(), len(times)]):
        part, before = slice(first, last), states.copy()
        scores = model.update(states, times[part], values[:, part], clock[part])
        recent = np.concatenate([recent, scores.alarms_per_week], axis=1)[:, -MOVED_POINTS:]
        if inside[first]:
            put_back(states, before, np.any(recent <= MOVED_PER_WEEK, axis=1))
        parts.append(scores)
    return SeriesScores.joined(parts)


def _rows_by_trouble(trouble: Mapping[int, Trouble]) -> list[tuple[Trouble, NDArray[np.intp]]]:
    rows: dict[Trouble, list[int]] = defaultdict(list)
    for row, periods in trouble.items():
        rows[periods].append(row)
    return [(periods, np.array(found, np.intp)) for periods, found in rows.items()]


def _has_moved(alarms: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return for each point whether it or one of the points just before was rare."""
    is_rare = alarms <= MOVED_PER_WEEK
    moved = is_rare.copy()
    for later in range(1, min(MOVED_POINTS, is_rare.shape[1])):
        moved[:, later:] |= is_rare[:, :-later]
    return moved
