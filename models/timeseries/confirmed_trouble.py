"""Scores series without learning from the times of confirmed incidents."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.base.series_model import SeriesScores, UpdateStates

Trouble = tuple[tuple[float, float], ...]


def update_outside(
    trouble: Sequence[tuple[float, float]],
    update: UpdateStates,
    states: NDArray[np.void],
    times: NDArray[np.int64],
    values: NDArray[np.float64],
    clock: NDArray[np.int64],
) -> SeriesScores:
    """Score points by `update`, and forget what was seen in times of trouble.

    `trouble` holds from and until, in unix seconds. Trouble that comes back is no routine then,
    and what it did to the series is not what is usual.

    >>> from models.timeseries.anomaly_model import AnomalyModel
    >>> model, times = AnomalyModel(step_seconds=3600), 3600 * np.arange(1, 49)
    >>> values = np.where(times < 86_400, 1.0, 9.0)[None]
    >>> states = model.start(1)
    >>> scores = update_outside([(86_400.0, 1e9)], model.update, states, times, values, times)
    >>> scores.score.shape, bool(states["seen_until"][0] == times[-1])
    ((1, 48), True)
    """
    is_trouble = is_within(trouble, times)
    borders = [0, *(np.flatnonzero(np.diff(is_trouble)) + 1), len(times)]
    parts = []
    for first, last in pairwise(borders):
        part, before = slice(first, last), states.copy()
        scores = update(states, times[part], values[:, part], clock[part])
        parts.append(scores)
        if last > first and is_trouble[first]:
            put_back(states, before, np.ones(len(states), np.bool_))
    return SeriesScores.joined(parts)


def is_within(
    trouble: Sequence[tuple[float, float]], times: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return for each time whether it lies in a time of trouble, ends included.

    >>> is_within([(10.0, 20.0)], np.array([5, 10, 25])).tolist()
    [False, True, False]
    """
    found = np.zeros(len(times), np.bool_)
    for begin, end in trouble:
        found |= (times >= begin) & (times <= end)
    return found


def put_back(states: NDArray[np.void], before: NDArray[np.void], rows: NDArray[np.bool_]) -> None:
    """Give some rows, a mask, the state that they had before, except for the time that was seen.

    >>> from models.timeseries.anomaly_model import AnomalyModel
    >>> model = AnomalyModel(step_seconds=60)
    >>> states, before = model.start(1), model.start(1)
    >>> _ = model.update(states, np.array([60]), np.ones((1, 1)))
    >>> put_back(states, before, np.array([True]))
    >>> int(states["points"][0]), int(states["seen_until"][0])
    (0, 60)
    """
    seen_until = states["seen_until"].copy()
    states[rows] = before[rows]
    states["seen_until"] = seen_until
