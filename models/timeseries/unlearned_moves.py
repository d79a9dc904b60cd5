"""Scores series that do not learn from their moves while an incident is open on their service."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.base.series_model import SeriesModel, SeriesScores
from models.timeseries.confirmed_trouble import Trouble, is_within
from models.timeseries.held_series import MOVED_POINTS, HeldSeries, NewPoints, has_moved


@dataclass(slots=True)
class UnlearnedMoves:
    """Updates series, part by part; those that move in times of trouble do not learn.

    `trouble` has times from and until, in unix seconds, by the row of their series. `earlier`, of
    shape (series, points), has the alarms a week of the last points before, and `usual`, by row,
    the states of the series that move, from before they began to; both move on with each part.

    A series that moves in a time of trouble gets its usual state back, also if it began to move
    before that time, but for `seen_until`. So it is scored as if its last usual point had just
    been, and its trouble is over once its values are what they were. Series that do not move learn
    as ever. The result does not depend on how the points are split.

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
    usual: dict[int, np.void] = field(default_factory=dict)

    def update(
        self,
        states: NDArray[np.void],
        times: NDArray[np.int64],
        values: NDArray[np.float64],
        clock: NDArray[np.int64],
    ) -> SeriesScores:
        """Score the next points of all series as `SeriesModel.update` does."""
        if not len(times):
            return self.model.update(states, times, values, clock)
        points = NewPoints(times, values, clock)
        before = states.copy()
        scores = points.score(self.model, states, slice(None), 0, len(times))
        alarms = np.concatenate([self.earlier, scores.alarms_per_week], axis=1)
        moved = has_moved(alarms)[:, -len(times) :]
        usual = self._usual_states(before, points, moved)
        for inside, rows in _rows_by_trouble(self.trouble, times):
            part = rows[moved[rows][:, inside].any(axis=1)]
            if len(part):
                states[part] = before[part]
                new = self._update_again(states, points, part, inside, usual)
                scores.replace_series(part, new)
        alarms = np.concatenate([self.earlier, scores.alarms_per_week], axis=1)
        self.earlier, self.usual = alarms[:, -(MOVED_POINTS - 1) :], usual
        return scores

    def _usual_states(
        self, before: NDArray[np.void], points: NewPoints, moved: NDArray[np.bool_]
    ) -> dict[int, np.void]:
        """Return the states before they began to move of the series that move at the end."""
        moving = np.flatnonzero(moved[:, -1])
        # How many of the last points moved without a break, counted from the end.
        lasting = (~moved[moving, ::-1]).argmax(axis=1)
        lasting[moved[moving].all(axis=1)] = len(points.times)
        onsets = len(points.times) - lasting
        usual: dict[int, np.void] = {}
        for onset in np.unique(onsets).tolist():
            rows = moving[onsets == onset]
            own = before[rows]
            if onset:
                points.score(self.model, own, rows, 0, onset)
            usual |= zip(rows.tolist(), (state.copy() for state in own), strict=True)
            if not onset:
                usual |= {row: self.usual[row] for row in rows.tolist() if row in self.usual}
        return usual

    def _update_again(
        self,
        states: NDArray[np.void],
        points: NewPoints,
        rows: NDArray[np.intp],
        inside: NDArray[np.bool_],
        usual: dict[int, np.void],
    ) -> SeriesScores:
        """Score the points of some series again, those in times of trouble one by one."""
        again = HeldSeries(self.model, points, rows, states[rows], self.usual, self.earlier[rows])
        borders = np.flatnonzero(inside[1:] != inside[:-1]) + 1
        for first, last in pairwise([0, *borders.tolist(), len(inside)]):
            again.go_on(first, last, is_trouble=bool(inside[first]))
        states[rows] = again.states
        for row in rows.tolist():
            usual.pop(row, None)
        usual |= again.usual_states()
        return SeriesScores.joined(again.parts)


def _rows_by_trouble(
    trouble: Mapping[int, Trouble], times: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.intp]]]:
    """Yield which times are in trouble, and the rows of the series for which they are."""
    rows: dict[Trouble, list[int]] = defaultdict(list)
    for row, periods in trouble.items():
        rows[periods].append(row)
    for periods, found in rows.items():
        inside = is_within(periods, times)
        if inside.any():
            yield inside, np.array(found, np.intp)
