"""Scores series without learning from the times of confirmed incidents."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.base.series_model import SeriesScores, UpdateStates


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
    is_trouble = np.zeros(len(times), np.bool_)
    for begin, end in trouble:
        is_trouble |= (times >= begin) & (times <= end)
    borders = [0, *(np.flatnonzero(np.diff(is_trouble)) + 1), len(times)]
    parts = []
    for first, last in pairwise(borders):
        part, before = slice(first, last), states.copy()
        scores = update(states, times[part], values[:, part], clock[part])
        parts.append(scores)
        if last > first and is_trouble[first]:
            seen_until = states["seen_until"].copy()
            states[:] = before
            states["seen_until"] = seen_until
    return SeriesScores.joined(parts)
