"""Scores series that do not learn from their moves while an incident is open on their service."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

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
        points = _Points(times, values, clock)
        before = states.copy()
        scores = points.score(self.model, states, slice(None), 0, len(times))
        alarms = np.concatenate([self.earlier, scores.alarms_per_week], axis=1)
        has_moved = _has_moved(alarms)[:, -len(times) :]
        usual = self._usual_states(before, points, has_moved)
        for inside, rows in _rows_by_trouble(self.trouble, times):
            part = rows[has_moved[rows][:, inside].any(axis=1)]
            if len(part):
                states[part] = before[part]
                new = self._update_again(states, points, part, inside, has_moved[part], usual)
                scores.replace_series(part, new)
        alarms = np.concatenate([self.earlier, scores.alarms_per_week], axis=1)
        self.earlier, self.usual = alarms[:, -(MOVED_POINTS - 1) :], usual
        return scores

    def _usual_states(
        self, before: NDArray[np.void], points: "_Points", has_moved: NDArray[np.bool_]
    ) -> dict[int, np.void]:
        """Return the states before they began to move of the series that move at the end."""
        moving = np.flatnonzero(has_moved[:, -1])
        # How many of the last points moved without a break, counted from the end.
        lasting = (~has_moved[moving, ::-1]).argmax(axis=1)
        lasting[has_moved[moving].all(axis=1)] = len(points.times)
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
        points: "_Points",
        rows: NDArray[np.intp],
        inside: NDArray[np.bool_],
        has_moved: NDArray[np.bool_],
        usual: dict[int, np.void],
    ) -> SeriesScores:
        """Score some series again, one point after the other from the first that matters."""
        first = int((has_moved.any(axis=0) | inside).argmax())
        own = states[rows]
        is_moving = np.array([row in self.usual for row in rows.tolist()])
        kept = own.copy()
        for number in np.flatnonzero(is_moving).tolist():
            kept[number] = self.usual[int(rows[number])]
        parts = [points.score(self.model, own, rows, 0, first)] if first else []
        recent = np.concatenate(
            [self.earlier[rows], *(part.alarms_per_week for part in parts)], axis=1
        )
        for place in range(first, len(points.times)):
            before = own.copy()
            parts.append(points.score(self.model, own, rows, place, place + 1))
            recent = np.concatenate([recent, parts[-1].alarms_per_week], axis=1)[:, -MOVED_POINTS:]
            moves = np.any(recent <= MOVED_PER_WEEK, axis=1)
            begins = moves & ~is_moving
            kept[begins] = before[begins]
            if inside[place]:
                put_back(own, kept, moves)
            is_moving = moves
        states[rows] = own
        for number, row in enumerate(rows.tolist()):
            usual.pop(row, None)
            if is_moving[number]:
                usual[row] = kept[number].copy()
        return SeriesScores.joined(parts)


@dataclass(frozen=True, slots=True)
class _Points:
    """New points of all series, of which parts are scored."""

    times: NDArray[np.int64]
    values: NDArray[np.float64]
    clock: NDArray[np.int64]

    def score(
        self,
        model: SeriesModel,
        states: NDArray[np.void],
        rows: NDArray[np.intp] | slice,
        first: int,
        last: int,
    ) -> SeriesScores:
        part = slice(first, last)
        return model.update(states, self.times[part], self.values[rows][:, part], self.clock[part])


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


def _has_moved(alarms: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return for each point whether it or one of the points just before was rare."""
    is_rare = alarms <= MOVED_PER_WEEK
    moved = is_rare.copy()
    for later in range(1, min(MOVED_POINTS, is_rare.shape[1])):
        moved[:, later:] |= is_rare[:, :-later]
    return moved
