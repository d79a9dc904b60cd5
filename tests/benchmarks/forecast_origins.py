"""Moments of real series from which breaches are forecast, with what followed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from telemetry_data import Floats, LabelledSeries

from features.timeseries.breach_features import PastWindows, RecentCourse, past_windows
from features.timeseries.level_blocks import LevelBlocks, to_level_blocks
from features.timeseries.resampling import SeriesGrid

LEVEL_QUANTILE = 0.99
_WARM_UP_DAYS, _PAST_WEEKS = 14, 13
_HOUR, _DAY = 3_600, 86_400
_MOST_MISSING = 0.5


@dataclass(frozen=True, slots=True)
class Origin:
    """A moment at which a series is below the .99 quantile of its past, and its past as blocks."""

    series: LabelledSeries
    index: int
    level: float
    blocks: LevelBlocks
    course: RecentCourse

    @property
    def week(self) -> str:
        """The series and the week, which are drawn together when figures are resampled."""
        return f"{self.series.name}/{self.series.times[self.index] // (7 * _DAY)}"

    def reached_after(self, hours: float) -> float | None:
        """Return the seconds until the level is reached, infinite if it is not within the hours.

        None if most of the values that followed are missing, or if the series ends before.
        """
        step = self.series.step_seconds
        count = round(hours * _HOUR / step)
        later = self.series.values[self.index + 1 : self.index + 1 + count]
        if len(later) < count or np.isnan(later).mean() > _MOST_MISSING:
            return None
        places = np.flatnonzero(np.nan_to_num(later, nan=-np.inf) >= self.level)
        return float((places[0] + 1) * step) if len(places) else np.inf

    def windows(self, hours: float) -> PastWindows:
        """Return the past windows of so many hours."""
        return past_windows(self.blocks, self.blocks.count(hours * _HOUR))


def origins_of(
    series: LabelledSeries, hours_apart: float, days: float = _WARM_UP_DAYS
) -> Iterator[Origin]:
    """Yield the moments of a series after some days, so many hours apart."""
    step, values = series.step_seconds, series.values
    nothing = np.zeros(len(values))
    for index in range(int(days * _DAY / step), len(values), int(hours_apart * _HOUR / step)):
        known = values[: index + 1]
        known = known[~np.isnan(known)]
        level = float(np.quantile(known, LEVEL_QUANTILE))
        if np.isnan(values[index]) or values[index] >= level or np.median(known) >= level:
            continue
        first = max(0, index + 1 - _PAST_WEEKS * 7 * _DAY // step)
        part = slice(first, index + 1)
        grid = SeriesGrid(
            series.times[part], values[part], nothing[part].astype(int), step, nothing[part], ()
        )
        blocks = to_level_blocks(grid, level, "above")
        if blocks is not None:
            yield Origin(series, index, level, blocks, RecentCourse.of(blocks))


def climatology(windows: PastWindows, blocks: LevelBlocks) -> tuple[float, float]:
    """Return the share of breaches at this hour of the week, and that of all past windows."""
    week = 7 * blocks.day
    same = windows.is_breach[len(blocks) - 1 - week :: -week] if len(blocks) > week else []
    known = np.asarray(same)[~np.isnan(same)] if len(same) else np.zeros(0)
    over = windows.is_breach[~np.isnan(windows.is_breach)]
    base = float(over.mean()) if len(over) else 0.0
    return (float(known.mean()) if len(known) else base), base


def weekly_sums(values: Floats, weeks: Floats, draws: int, seed: int = 0) -> Floats:
    """Return sums of values over weeks drawn anew, shape (draws, columns)."""
    names, place = np.unique(weeks, return_inverse=True)
    sums = np.zeros((len(names), values.shape[1]))
    np.add.at(sums, place, values)
    drawn = np.random.default_rng(seed).integers(0, len(names), (draws, len(names)))
    return sums[drawn].sum(axis=1)
