"""The plain sum of twelve classic channels' surprise, what the anomaly model has to improve on."""

import numpy as np
import pandas as pd
from telemetry_data import Floats

DAY, HOUR, MINUTE = 86_400, 3_600, 60
KEPT_NUMBERS = 12 * 64 + 24 + 8 * DAY // MINUTE

_MEMORY_DAYS = 30
_BLOCK_SECONDS = 6 * HOUR
_BINS = np.linspace(np.log(0.02), np.log(2e4), 65)
_RARE, _STEEPEST = 3.0, 6.0
_SCALE_DAYS = 7
_CLIP = 5.0


def sum_of_channels(values: Floats, step_seconds: int) -> Floats:
    """Return the sum over channels of -log10 of how rare so large a distance was in the past."""
    missing = np.isnan(values)
    known = pd.Series(values).ffill().bfill()
    per_block = max(_BLOCK_SECONDS // step_seconds, 1)
    total = np.zeros(len(values))
    for channel in _channels(known, step_seconds):
        scale = _mean(channel.abs(), _SCALE_DAYS * DAY / step_seconds).shift()
        size = np.log(np.maximum((channel.abs() / np.maximum(scale, 1e-9)).fillna(0), 1e-9))
        total += _surprise(size.to_numpy(), per_block, _MEMORY_DAYS * DAY / step_seconds)
    total[missing] = np.nan
    return total


def _channels(values: "pd.Series[float]", step_seconds: int) -> "list[pd.Series[float]]":
    """Return twelve signed distances from what the past lets expect."""
    steps = {name: max(seconds / step_seconds, 0.5) for name, seconds in _SPANS.items()}
    levels = [values - _mean(values, steps[n]).shift() for n in ("minutes", "hour", "half day")]
    changes = [values.diff(max(int(steps[n]), 1)) for n in ("minute", "five", "half hour")]
    season = values - _usual_at_this_time(values, step_seconds)
    off_trend = season - _mean(_clip(season), steps["two hours"]).shift()
    lagged = values.diff(DAY // step_seconds)
    return [
        *levels,
        *changes,
        season,
        off_trend,
        _mean(off_trend, steps["five"]),
        lagged - _mean(_clip(lagged), steps["hour"]).shift(),
        _mean(season, steps["half hour"]) - _mean(season, steps["half day"]),
        _mean(values.diff().abs(), steps["half hour"]),
    ]


_SPANS = {
    "minute": MINUTE,
    "five": 5 * MINUTE,
    "minutes": 10 * MINUTE,
    "half hour": HOUR // 2,
    "hour": HOUR,
    "two hours": 2 * HOUR,
    "half day": DAY // 2,
}


def _mean(values: "pd.Series[float]", half_life: float) -> "pd.Series[float]":
    return values.ewm(halflife=half_life).mean()


def _clip(values: "pd.Series[float]") -> "pd.Series[float]":
    """Limit a distance to five times its usual size, so that an event does not move the level."""
    most = _CLIP * values.abs().expanding().mean().shift()
    return values.clip(-most, most)


def _usual_at_this_time(values: "pd.Series[float]", step_seconds: int) -> "pd.Series[float]":
    """Return the median of the last seven days within a few minutes of this time of day."""
    per_day = DAY // step_seconds
    table = np.full(-(-len(values) // per_day) * per_day, np.nan)
    table[: len(values)] = values
    days = pd.DataFrame(table.reshape(-1, per_day)).rolling(7, min_periods=1)
    usual = pd.Series(days.median().shift().to_numpy().ravel())
    near = usual.rolling(max(15 * MINUTE // step_seconds, 1), min_periods=1, center=True)
    return near.median()[: len(values)]


def _surprise(sizes: Floats, per_block: int, half_life: float) -> Floats:
    """Return -log10 of the share of past sizes that were larger, by a decayed histogram.

    The histogram is brought up to date once a block; beyond what was ever seen the tail goes on
    with its own slope.
    """
    sums = np.zeros(len(sizes))
    counts = np.zeros(len(_BINS) + 1)
    for start in range(0, len(sizes), per_block):
        block = sizes[start : start + per_block]
        if start:
            sums[start : start + per_block] = _tail(counts, block)
        counts *= 0.5 ** (len(block) / half_life)
        counts += np.bincount(np.searchsorted(_BINS, block), minlength=len(counts))
    return sums


def _tail(counts: Floats, sizes: Floats) -> Floats:
    """Read -log10 of the tail beyond each size off a histogram's cumulated counts."""
    above = counts[::-1].cumsum()[::-1][1:]
    last = max(int(np.count_nonzero(above >= _RARE)) - 1, 0)
    before = max(int(np.count_nonzero(above >= 20 * _RARE)) - 1, 0)
    surprise = -np.log10(np.maximum(above, _RARE) / counts.sum())
    rise = surprise[last] - surprise[before]
    slope = np.clip(rise / max(_BINS[last] - _BINS[before], 0.05), 1.0, _STEEPEST)
    inside = np.interp(sizes, _BINS[: last + 1], surprise[: last + 1])
    return inside + slope * np.maximum(sizes - _BINS[last], 0.0)
