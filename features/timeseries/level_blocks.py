"""A series as blocks of fifteen minutes, in units of the distance from its usual value to a level.

What decides whether a level is reached is the highest value of each block; the mean of each block
says where the series is.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from features.timeseries.resampling import SeriesGrid

Direction = Literal["above", "below"]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

BLOCK_SECONDS = 900
_DAY = 86_400
_MOST_WEEKS = 13
_LEAST_UNIT = 1e-9


@dataclass(frozen=True, slots=True)
class LevelBlocks:
    """The past of a series, one entry a block, oldest first; the last block ends at the last point.

    Heights are in units in which the usual value, the median, is 0 and the level is 1; for a level
    below, they rise as the values fall. `peaks` are the highest heights and `means` the mean
    heights; blocks without a value repeat the last known one, and `is_missing` marks them. `end` is
    the unix time of the last point. `usual` and `unit` turn heights back into values:
    usual + unit * height.
    """

    peaks: Floats
    means: Floats
    is_missing: Flags
    seconds: int
    end: int
    usual: float
    unit: float

    def __len__(self) -> int:
        return len(self.peaks)

    @property
    def day(self) -> int:
        """The blocks of a day, at least one."""
        return max(1, _DAY // self.seconds)

    def count(self, seconds: float) -> int:
        """Return the number of blocks that cover a duration, at least one."""
        return max(1, int(np.ceil(seconds / self.seconds - 1e-9)))


def to_level_blocks(grid: SeriesGrid, level: float, direction: Direction) -> LevelBlocks | None:
    """Return the blocks of the last 13 weeks of a series, or None if it has no value.

    >>> from features.timeseries.resampling import lay_on_grid
    >>> grid = lay_on_grid(60 * np.arange(60), np.tile([1.0, 1.0, 2.0], 20))
    >>> blocks = to_level_blocks(grid, 3.0, "above")
    >>> blocks.peaks.tolist(), blocks.usual, blocks.unit
    ([0.5, 0.5, 0.5, 0.5], 1.0, 2.0)
    """
    values = grid.values + grid.before
    is_known = ~np.isnan(values)
    if not is_known.any():
        return None
    seconds = max(BLOCK_SECONDS, grid.step_seconds)
    points = max(1, round(seconds / grid.step_seconds))
    end = int(grid.times[np.flatnonzero(is_known)[-1]])
    rows = _from_the_end(grid.times, values, end, points * grid.step_seconds)
    usual, unit = _scale(rows[~np.isnan(rows)], level, direction)
    heights = (rows - usual) / unit
    is_missing: Flags = np.isnan(heights).min(axis=1)
    filled = np.where(np.isnan(heights), -np.inf, heights)
    counts = np.maximum((~np.isnan(heights)).sum(axis=1), 1)
    return LevelBlocks(
        peaks=_repeat_known(filled.max(axis=1), is_missing),
        means=_repeat_known(np.nansum(heights, axis=1) / counts, is_missing),
        is_missing=is_missing,
        seconds=points * grid.step_seconds,
        end=end,
        usual=usual,
        unit=unit,
    )


def _from_the_end(times: NDArray[np.int64], values: Floats, end: int, seconds: int) -> Floats:
    """Return the values as rows of one block each, so that the last row ends with the last value.

    Rows are whole slots of time: where the grid leaves out slots, values are missing.
    """
    most = int(_MOST_WEEKS * 7 * _DAY // seconds)
    back = (end - times) // seconds
    is_kept = (back >= 0) & (back < most)
    back, kept, times = back[is_kept], values[is_kept], times[is_kept]
    count = int(back.max()) + 1
    first_of_row = end - (back + 1) * seconds
    step = int(np.diff(times).min()) if len(times) > 1 else seconds
    width = max(1, seconds // step)
    columns = np.minimum((times - first_of_row - 1) // step, width - 1)
    rows = np.full((count, width), np.nan)
    rows[count - 1 - back, columns] = kept
    return rows


def _scale(known: Floats, level: float, direction: Direction) -> tuple[float, float]:
    """Return the usual value, and the unit with the sign of the direction."""
    sign = 1.0 if direction == "above" else -1.0
    low, usual, high = np.quantile(known, [0.25, 0.5, 0.75])
    distance = sign * (level - usual)
    if distance > 0:
        return float(usual), float(sign * max(distance, _LEAST_UNIT * max(1.0, abs(level))))
    # The series is usually beyond the level, so that its spread is the unit.
    spread = max(float(high - low), _LEAST_UNIT * max(1.0, abs(level)))
    return float(level - sign * spread), float(sign * spread)


def _repeat_known(values: Floats, is_missing: Flags) -> Floats:
    places = np.where(is_missing, 0, np.arange(len(values)))
    np.maximum.accumulate(places, out=places)
    filled: Floats = values[places]
    first = int(np.flatnonzero(~is_missing)[0])
    filled[:first] = values[first]
    return filled
