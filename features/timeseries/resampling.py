"""Lays the points of a series, however they come, on a grid that a model can follow."""

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
    """A series in time order, one value a slot.

    `times` are unix seconds and `values` NaN where missing. `slots` tells for each given point
    which place of the grid holds it, so that what is found can be given back in the given order.
    `before` is what must be added to a result to have it in the units that were given: not zero for
    counters only. `warnings` say what had to be done.
    """

    times: NDArray[np.int64]
    values: NDArray[np.float64]
    slots: NDArray[np.int64]
    step_seconds: int
    before: NDArray[np.float64]
    warnings: tuple[str, ...]


def lay_on_grid(times: NDArray[np.int64], values: NDArray[np.float64]) -> SeriesGrid:
    """Return the grid of points given by unix seconds and values, neither of them in order.

    The step is the commonest of the first thousand distances. A point belongs to the nearest slot,
    the last given counts where several do, and slots between are missing: 1,440 at most, and four
    for each point in all, so that wild distances do not make a series of holes.

    >>> grid = lay_on_grid(np.array([60, 0, 180]), np.array([2.0, 1.0, 4.0]))
    >>> grid.times.tolist(), grid.values.tolist(), grid.slots.tolist()
    ([0, 60, 120, 180], [1.0, 2.0, nan, 4.0], [1, 0, 3])
    """
    values = np.where(np.abs(values) < LARGEST, values, np.nan)
    step = _find_step(times)
    first = int(times.min()) if len(times) else 0
    rounds = (times - first + step // 2) // step
    given, places = np.unique(rounds, return_inverse=True)
    kept = np.full(len(given), np.nan)
    kept[places] = values
    filled, shifted, is_irregular = _fill(given)
    laid = np.full(len(filled), np.nan)
    laid[shifted] = kept
    grid_times = first + filled * step
    laid, before, counts = _count(laid, step)
    warnings = _warn(times, values, len(given), is_irregular, counts)
    return SeriesGrid(grid_times, laid, shifted[places], step, before, tuple(warnings))


def _find_step(times: NDArray[np.int64]) -> int:
    # By its beginning only, so that what comes later changes nothing of what was found before.
    distances = np.diff(np.unique(times)[:_BEGINNING])
    if not len(distances):
        return 60
    found, often = np.unique(distances, return_counts=True)
    return int(min(found[often.argmax()], _MOST_STEP))


def _fill(
    given: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], bool]:
    """Return the slots with the missing ones between, and where the given ones are in them."""
    holes = np.append(np.diff(given) - 1, 0)[: len(given)]
    # A hole that is too long to fill is left after so many slots: what is known is stale by then.
    filled = np.minimum(holes, _MOST_FILLED)
    spent = 0
    for at in np.flatnonzero(filled):
        allowed = _MOST_FILLED + _FILLED_FACTOR * int(at) - spent
        filled[at] = min(filled[at], max(allowed, 0))
        spent += int(filled[at])
    is_irregular = bool((filled < np.minimum(holes, _MOST_FILLED)).any())
    places = np.cumsum(filled + 1) - filled - 1
    slots = np.arange(int((filled + 1).sum()), dtype=np.int64)
    last = np.searchsorted(places, slots, side="right") - 1
    return given[last] + slots - places[last], places, is_irregular


def _count(
    values: NDArray[np.float64], step: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], bool]:
    """Return a counter as its increases, and what they are added to."""
    if not is_counter(values, first=max(_FEWEST_COUNTED, _DAY // step)):
        return values, np.zeros(len(values)), False
    taken, before = increases(values)
    return taken, before, True


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
        yield f"disorder: {disordered} times lie before the one given ahead; scored in time order"
    if len(times) > slots:
        yield f"duplicates: {len(times) - slots} points share a time; the last of each counts"
    if is_irregular:
        yield "irregular: distances in time differ much; many missing slots were left out"
    if is_counted:
        yield "counter: it only rises, but for resets; its increase from point to point is scored"
    if len(values) > 1 and missing < len(values) and np.nanmin(values) == np.nanmax(values):
        yield "constant: the first other value will be out of line"
