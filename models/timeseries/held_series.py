"""Scores some series again, without learning from their moves in times of trouble."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.base.series_model import SeriesModel, SeriesScores
from models.timeseries.confirmed_trouble import put_back

MOVED_PER_WEEK = 1.0
"""A series moves while one of its last points is as rare as one a week, or rarer.

With rarer points only, small trouble would be learned; with more frequent ones, the ordinary peaks
of an incident's time would be missing in what is learned: see
`python tests/benchmarks/unlearned_moves.py`.
"""
MOVED_POINTS = 5


@dataclass(frozen=True, slots=True)
class NewPoints:
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
        """Score the points from a place to before another for some series, and update states."""
        part = slice(first, last)
        return model.update(states, self.times[part], self.values[rows][:, part], self.clock[part])


class HeldSeries:
    """Series that are scored again, and that do not learn from their moves in times of trouble."""

    def __init__(
        self,
        model: SeriesModel,
        points: NewPoints,
        rows: NDArray[np.intp],
        states: NDArray[np.void],
        usual: Mapping[int, np.void],
        earlier: NDArray[np.float64],
    ) -> None:
        self.states = states
        self.parts: list[SeriesScores] = []
        self._model, self._points, self._rows = model, points, rows
        self._usual, self._recent = states.copy(), earlier
        self._is_moving = np.array([row in usual for row in rows.tolist()])
        for number in np.flatnonzero(self._is_moving).tolist():
            self._usual[number] = usual[int(rows[number])]

    def go_on(self, first: int, last: int, *, is_trouble: bool) -> None:
        """Score points that are all in times of trouble, or all outside of them."""
        if not is_trouble and self._score_together(first, last):
            return
        for place in range(first, last):
            self._score_one(place, is_trouble=is_trouble)

    def usual_states(self) -> dict[int, np.void]:
        """Return the states before they began to move of the series that move now, by row."""
        numbers = np.flatnonzero(self._is_moving).tolist()
        return {int(self._rows[number]): self._usual[number].copy() for number in numbers}

    def _score_together(self, first: int, last: int) -> bool:
        """Score points at once, unless a series moves at their end: when it began matters then."""
        states = self.states.copy()
        scores = self._points.score(self._model, states, self._rows, first, last)
        recent = np.concatenate([self._recent, scores.alarms_per_week], axis=1)[:, -MOVED_POINTS:]
        if has_moved(recent)[:, -1].any():
            return False
        self.states, self._recent = states, recent
        self._is_moving = np.zeros(len(states), np.bool_)
        self.parts.append(scores)
        return True

    def _score_one(self, place: int, *, is_trouble: bool) -> None:
        before = self.states.copy()
        scores = self._points.score(self._model, self.states, self._rows, place, place + 1)
        recent = np.concatenate([self._recent, scores.alarms_per_week], axis=1)[:, -MOVED_POINTS:]
        moves = has_moved(recent)[:, -1]
        begins = moves & ~self._is_moving
        self._usual[begins] = before[begins]
        if is_trouble:
            put_back(self.states, self._usual, moves)
        self._recent, self._is_moving = recent, moves
        self.parts.append(scores)


def has_moved(alarms: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return for each point whether it or one of the points just before was rare."""
    is_rare = alarms <= MOVED_PER_WEEK
    moved = is_rare.copy()
    for later in range(1, min(MOVED_POINTS, is_rare.shape[1])):
        moved[:, later:] |= is_rare[:, :-later]
    return moved
