"""Puts the points of a series, in any order and at any distances, on a regular grid."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.timeseries.state import LARGEST
from features.timeseries.windows import increases, is_counter

_DAY = _MOST_STEP = 86_400
_FEWEST_COUNTED = 40
_MOST_FILLED = 1_440
_FILLED_FACTOR = 4
_BEGINNING = 1_000


@dataclass(frozen=True, slots=True)
class SeriesGrid:
    """A series in time order, with one value per slot.

    `times` are unix seconds; `values` are NaN where missing. `slots` holds the index of each given
    point in the grid, so that results can be returned in the given order. For a counter, `values`
    are increases per step, and `before` is each given value minus its increase: an increase plus
    `before` is a value in the given units. For other series `before` is zero. `warnings` describe
    how the points were changed.
    """

    times: NDArray[np.int64]
    values: NDArray[np.float64]
    slots: NDArray[np.int64]
    step_seconds: int
    before: NDArray[np.float64]
    warnings: tuple[str, ...]


def lay_on_grid(times: NDArray[np.int64], values: NDArray[np.float64]) -> SeriesGrid:
    """Return the grid for points given by unix seconds and values, in any order.

    The step is the commonest distance between the first thousand times, at most a day. A point
    belongs to the nearest slot; if several points share a slot, the last given point counts. Slots
    between points get missing values. At most 1,440 slots are inserted into one gap, and in total
    at most 1,440 plus four for each slot with points, to limit the grid of an irregular series.

    >>> grid = lay_on_grid(np.array([60, 0, 180]), np.array([2.0, 1.0, 4.0]))
    >>> grid.times.tolist(), grid.values.tolist(), grid.slots.tolist()
    ([0, 60, 120, 180], [1.0, 2.0, nan, 4.0], [1, 0, 3])
    """
    values = np.where(np.abs(values) < LARGEST, values, np.nan)
    step = _find_step(times)
    first = int(times.min()) if len(times) else 0
    rounds = (times - first + step // 2) // step
    known_slots, slot_of_point = np.unique(rounds, return_inverse=True)
    known_values = np.full(len(known_slots), np.nan)
    known_values[slot_of_point] = values
    all_slots, known_positions, is_irregular = _fill(known_slots)
    grid_values = np.full(len(all_slots), np.nan)
    grid_values[known_positions] = known_values
    grid_times = first + all_slots * step
    grid_values, before, is_counted = _counter_increases(grid_values, step)
    warnings = _warn(times, values, len(known_slots), is_irregular, is_counted)
    point_positions = known_positions[slot_of_point]
    return SeriesGrid(grid_times, grid_values, point_positions, step, before, tuple(warnings))


def _find_step(times: NDArray[np.int64]) -> int:
    # Only the beginning is used, so that later points do not change earlier results.
    distances = np.diff(np.unique(times)[:_BEGINNING])
    if not len(distances):
        return 60
    steps, counts = np.unique(distances, return_counts=True)
    return int(min(steps[counts.argmax()], _MOST_STEP))


def _fill(
    known_slots: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], bool]:
    """Return all slots, the positions of known slots, and whether the total limit cut gaps.

    Missing slots are inserted between the known ones, up to a limit.
    """
    gaps = np.append(np.diff(known_slots) - 1, 0)[: len(known_slots)]
    # A long gap is filled only in part: after so many slots the past is out of date.
    filled = np.minimum(gaps, _MOST_FILLED)
    total = 0
    for index in np.flatnonzero(filled):
        allowed = _MOST_FILLED + _FILLED_FACTOR * int(index) - total
        filled[index] = min(filled[index], max(allowed, 0))
        total += int(filled[index])
    is_irregular = bool((filled < np.minimum(gaps, _MOST_FILLED)).any())
    known_positions = np.cumsum(filled + 1) - filled - 1
    positions = np.arange(int((filled + 1).sum()), dtype=np.int64)
    previous = np.searchsorted(known_positions, positions, side="right") - 1
    all_slots = known_slots[previous] + positions - known_positions[previous]
    return all_slots, known_positions, is_irregular


def _counter_increases(
    values: NDArray[np.float64], step: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], bool]:
    """Return `values` and `before` as `SeriesGrid` has them, and whether the series is a counter.

    The values of other series are returned unchanged, with zeros as `before`.
    """
    if not is_counter(values, first=max(_FEWEST_COUNTED, _DAY // step)):
        return values, np.zeros(len(values)), False
    rises, before = increases(values)
    return rises, before, True


def _warn(
    times: NDArray[np.int64],
    values: NDArray[np.float64],
    slots: int,
    is_irregular: bool,
    is_counted: bool,
) -> Iterable[str]:
    missing = int(np.isnan(values).sum())
    disordered = int((np.diff(times) < 0).sum())
    if missing:
        yield f"missing: {missing} values are null, NaN, infinite or beyond 1e30: no score"
    if disordered:
        yield f"disorder: {disordered} times are before the previous one; scored in time order"
    if len(times) > slots:
        yield f"duplicates: {len(times) - slots} points share a time; the last of each counts"
    if is_irregular:
        yield "irregular: distances in time differ much; many missing slots were left out"
    if is_counted:
        yield "counter: it only rises, except for resets; its increases are scored"
    if len(values) > 1 and missing < len(values) and np.nanmin(values) == np.nanmax(values):
        yield "constant: the first different value will be an anomaly"
