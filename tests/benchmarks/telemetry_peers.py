"""Detectors that everyone would try first, each looking only at the past: peers to compare with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from river.anomaly import HalfSpaceTrees
from scipy import fft
from telemetry_channels import KEPT_NUMBERS, sum_of_channels
from telemetry_data import Floats

DAY, HOUR, MINUTE = 86_400, 3_600, 60

_LEAST_SCALE = 1e-9
_NUMBER_BYTES = 8
_TREES, _HEIGHT, _TREE_WINDOW = 10, 8, 1440
_SALIENCY_WINDOW, _LOOK_AHEAD, _NEIGHBOURS, _AT_ONCE = 59, 5, 50, 4096
_BASELINE_DAYS = 14


@dataclass(frozen=True, slots=True)
class Peer:
    """A way of scoring one series, and the numbers it must remember of one at a step of a minute.

    `score` takes the values, shape (points,), NaN where missing, and the seconds between them; it
    gives as many scores, NaN where it cannot say. Long curves are left out where it `is_slow`.
    """

    score: Callable[[Floats, int], Floats]
    numbers: int
    is_slow: bool = False

    @property
    def state_bytes(self) -> int:
        """Bytes that a series' state takes."""
        return self.numbers * _NUMBER_BYTES


def score_windowed_gaussian(window_seconds: int) -> Callable[[Floats, int], Floats]:
    """Score by distance from the mean of a window, in its standard deviations."""

    def score(values: Floats, step_seconds: int) -> Floats:
        window = max(window_seconds // step_seconds, 10)
        past = pd.Series(values).rolling(window, min_periods=window // 10)
        return _distance(values - past.mean().shift(), past.std().shift())

    return score


def score_ewma(level_seconds: int, scale_seconds: int) -> Callable[[Floats, int], Floats]:
    """Score by distance from a moving average, in the moving deviation of such distances."""

    def score(values: Floats, step_seconds: int) -> Floats:
        known = pd.Series(values)
        error = known - _moving_mean(known, max(level_seconds / step_seconds, 0.5))
        return _distance(error, np.sqrt(_moving_mean(error**2, scale_seconds / step_seconds)))

    return score


def score_time_of_day(values: Floats, step_seconds: int) -> Floats:
    """Score by distance from the median of the last days at this time, smoothed over half an hour.

    The scale is the mean of such distances over the same days.
    """
    per_day = DAY // step_seconds
    table = np.full(-(-len(values) // per_day) * per_day, np.nan)
    table[: len(values)] = values
    days = pd.DataFrame(table.reshape(-1, per_day))
    usual = days.rolling(_BASELINE_DAYS, min_periods=1).median().shift().to_numpy().ravel()
    smoothed = pd.Series(usual).rolling(
        max(HOUR // 2 // step_seconds, 1), min_periods=1, center=True
    )
    error = pd.Series(values - smoothed.median().to_numpy()[: len(values)])
    scale = error.abs().rolling(_BASELINE_DAYS * per_day, min_periods=per_day // 4).mean()
    return _distance(error, scale.shift())


def score_spectral_residual(values: Floats, step_seconds: int) -> Floats:
    """Score by the saliency of the last point of a sliding window (Ren et al. 2019)."""
    known = pd.Series(values).ffill().fillna(0.0).to_numpy(dtype=np.float32)
    windows = sliding_window_view(known, _SALIENCY_WINDOW)
    parts = [_saliency(windows[at : at + _AT_ONCE]) for at in range(0, len(windows), _AT_ONCE)]
    scores = np.concatenate([np.full(_SALIENCY_WINDOW - 1, np.nan), *parts])
    scores[np.isnan(values)] = np.nan
    return scores


def score_half_space_trees(values: Floats, step_seconds: int) -> Floats:
    """Score value and change over five points by river's half-space trees (Tan et al. 2011).

    Both are scaled by their range so far, as a future range is not known.
    """
    known = pd.Series(values).ffill().bfill()
    rows = np.stack([_within_past(known), _within_past(known.diff(5).fillna(0.0))], axis=1)
    trees = HalfSpaceTrees(_TREES, _HEIGHT, _TREE_WINDOW, seed=0)
    scores = np.full(len(values), np.nan)
    for place, (level, change) in enumerate(rows.tolist()):
        features = {"level": level, "change": change}
        scores[place] = trees.score_one(features)
        trees.learn_one(features)
    return scores


def score_at_random(values: Floats, step_seconds: int) -> Floats:
    """Score without looking."""
    return np.random.default_rng(crc32(values.tobytes())).random(len(values))


PEERS: Mapping[str, Peer] = {
    "windowed Gaussian, 1 hour": Peer(score_windowed_gaussian(HOUR), HOUR // MINUTE),
    "windowed Gaussian, 7 days": Peer(score_windowed_gaussian(7 * DAY), 7 * DAY // MINUTE),
    "EWMA, 20 minutes": Peer(score_ewma(20 * MINUTE, DAY), 2),
    "EWMA, 1 hour": Peer(score_ewma(HOUR, 7 * DAY), 2),
    "time of day": Peer(score_time_of_day, (2 * _BASELINE_DAYS + 1) * DAY // MINUTE),
    "spectral residual": Peer(score_spectral_residual, _SALIENCY_WINDOW),
    "half-space trees": Peer(
        score_half_space_trees, 2 * _TREES * 2 ** (_HEIGHT + 1) + 2 * _TREE_WINDOW, is_slow=True
    ),
    "sum of channels": Peer(sum_of_channels, KEPT_NUMBERS),
    "random": Peer(score_at_random, 0),
}


def _moving_mean(values: "pd.Series[float]", half_life: float) -> "pd.Series[float]":
    return values.ewm(halflife=half_life, ignore_na=True).mean().shift()


def _distance(error: "pd.Series[float]", scale: "pd.Series[float]") -> Floats:
    return (error.abs() / np.maximum(scale, _LEAST_SCALE)).to_numpy()


def _within_past(values: "pd.Series[float]") -> Floats:
    low, high = values.cummin().shift(), values.cummax().shift()
    width = (high - low).replace(0.0, np.nan)
    return ((values - low) / width).clip(0.0, 1.0).fillna(0.5).to_numpy()


def _saliency(windows: Floats) -> Floats:
    """Return by how much the last point's saliency exceeds the mean of its neighbours'."""
    last, before = windows[:, -1:], windows[:, -1 - _LOOK_AHEAD : -1]
    slopes = (last - before) / np.arange(_LOOK_AHEAD, 0, -1, dtype=np.float32)
    guess = before[:, 1:2] + slopes.mean(axis=1, keepdims=True) * _LOOK_AHEAD
    extended = np.concatenate([windows, np.repeat(guess, _LOOK_AHEAD, axis=1)], axis=1)
    spectrum = fft.rfft(extended, axis=1)
    amplitude = np.abs(spectrum) + 1e-8
    logs = np.log(amplitude)
    residual = np.exp(logs - _mean_of_three(logs))
    saliency = np.abs(fft.irfft(spectrum / amplitude * residual, axis=1))
    here = saliency[:, -1 - _LOOK_AHEAD]
    usual = saliency[:, -1 - _LOOK_AHEAD - _NEIGHBOURS : -1 - _LOOK_AHEAD].mean(axis=1)
    return (here - usual) / np.maximum(usual, 1e-8)


def _mean_of_three(logs: Floats) -> Floats:
    """Return the mean of each entry and the two before it, along the rows."""
    padded = np.concatenate([logs[:, :1], logs[:, :1], logs], axis=1)
    return (padded[:, 2:] + padded[:, 1:-1] + padded[:, :-2]) / 3
