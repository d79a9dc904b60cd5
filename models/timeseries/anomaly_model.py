"""Scores metric series for anomalies, in units of false alarms a week."""

from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from features.home import Home
from features.timeseries import alarm_rates, channels, kernel, recurrence, runs, state
from features.timeseries.alarm_rates import Alarms
from features.timeseries.channels import TimeConstants
from features.timeseries.jit import enable_disk_cache, hash_sources
from features.timeseries.kernel import score_all_full, score_all_light
from features.timeseries.state import FULL_STATE, LIGHT_STATE, SLOTS, new_states
from models.base.series_model import SeriesModel, SeriesScores

Tier = Literal["full", "light"]
TIERS: tuple[Tier, ...] = ("full", "light")

DAYS_BEFORE_FLAGS = 5

# One budget is shared by unusual values and by the runs of `features.timeseries.runs`.
BUDGET_SHARES = {"value": 0.7, "silence": 0.1, "frozen": 0.1, "schedule": 0.1}

_HOUR = 3_600
_DAY = 86_400

_KERNELS = {"full": score_all_full, "light": score_all_light}
_STATES = {"full": FULL_STATE, "light": LIGHT_STATE}

# Rounded from what `python tests/benchmarks/telemetry_constants.py` finds on visible series.
_ALARMS = {
    "full": Alarms(0.2, 1.65, 0.21, 10.0, 0.1, 0.5, 672.0, 1.6, 0.48, 0.25),
    "light": Alarms(0.2, 1.85, 0.23, 10.0, 0.1, 0.5, 672.0, 1.7, 0.5, 0.25),
}
_BAND_SPREADS = 4.0
_SHORTEST_RUN = 900

_SCORES = np.dtype(
    [
        ("score", "f8"),
        ("alarms_per_week", "f8"),
        ("expected", "f8"),
        ("spread", "f8"),
        ("channel", "i1"),
    ],
    align=True,
)


class AnomalyModel(SeriesModel):
    """Scores points by how far they deviate from their series' own past, in several channels.

    Each channel is one deviation of a point: from a fast level, from the usual value at the time of
    day, and from the last point. The tier `full` has four more channels: the deviation of the last
    minutes, the deviation of the trend, and the deviations from an autoregressive forecast and from
    the usual value at the hour of the week. The surprise of a channel is log2(1 + ratio), where
    `ratio` is the deviation divided by its usual spread; this fits a tail like 1/x. The raw
    score is the mean surprise of the channels, smoothed with that of the last point and raised
    shortly after a gap. The score is the raw score minus half of (q - c), which corrects series
    that often have high raw scores: q is the raw score that one point in fifty of the series
    exceeds, and c is a shipped constant. Updates of the state are clipped, so that an incident does
    not become the new normal.

    Scores are meaningful after two days and have alarm rates after five days. The rates come from a
    generalised Pareto tail of hourly peaks, which starts from shipped constants and is learned from
    the series' past. `step_seconds` is the usual time between two points; a missing point is NaN.

    >>> model = AnomalyModel(step_seconds=3600)
    >>> states = model.start(1)
    >>> times = 3600 * np.arange(24 * 14)
    >>> values = 10 + np.sin(times / 13750.99)[None]
    >>> values[0, -1] = 30
    >>> scores = model.update(states, times, values)
    >>> int(scores.score.argmax()) == len(times) - 1, float(scores.alarms_per_week[0, -1]) < 1
    (True, True)
    """

    def __init__(self, *, tier: Tier = "full", step_seconds: int = 60) -> None:
        self.tier = tier
        self.step_seconds = step_seconds

    @property
    def layout(self) -> str:
        """The name of the state's byte layout; bytes of another layout cannot be read."""
        return f"{self.tier}-2-{_STATES[self.tier].itemsize}-{self.step_seconds}"

    def start(self, count: int) -> NDArray[np.void]:
        """Return the states of `count` series without a past."""
        return new_states(count, _STATES[self.tier])

    def restore(self, state_bytes: bytes) -> NDArray[np.void]:
        """Return states from their concatenated bytes; the `layout` must be the same."""
        return np.frombuffer(state_bytes, _STATES[self.tier]).copy()

    def update(
        self,
        states: NDArray[np.void],
        times: NDArray[np.int64],
        values: NDArray[np.float64],
        clock: NDArray[np.int64] | None = None,
    ) -> SeriesScores:
        """Score the next points of each series and update its state in place.

        `times` are unix seconds, strictly rising. `clock` are the same times as local clocks show
        them, in seconds as if of UTC; absent, days and weeks are those of UTC. `values`, of shape
        (series, points), are NaN where missing; values beyond 1e30 count as missing. Raises
        `ValueError` for times that do not rise, or that are not later than the last point that was
        scored.
        """
        results = np.zeros(values.shape, _SCORES)
        results["alarms_per_week"] = np.inf
        results["expected"] = results["spread"] = np.nan
        if results.size:
            _check_times(states, times)
            # For arrays of another memory layout Numba would compile the loop again.
            times = np.require(times, np.int64, ["C", "W"])
            clock = times if clock is None else np.require(clock, np.int64, ["C", "W"])
            values = np.require(values, np.float64, ["C", "W"])
            score = _KERNELS[self.tier]
            constants = self._time_constants, _ALARMS[self.tier]
            score(states, *constants, times, clock, values, results)
            states["seen_until"] = times[-1]
        band = _BAND_SPREADS * results["spread"]
        return SeriesScores(
            score=results["score"],
            alarms_per_week=results["alarms_per_week"],
            expected=results["expected"],
            lower=results["expected"] - band,
            upper=results["expected"] + band,
            channel=results["channel"],
        )

    @cached_property
    def _time_constants(self) -> TimeConstants:
        step = self.step_seconds
        slots = max(1, min(SLOTS, _DAY // step))
        return TimeConstants(
            step=step,
            slots=slots,
            slot_points=max(1.0, _DAY / slots / step),
            hour_points=max(1.0, _HOUR / step),
            minutes_3=_new_point_weight(step, 180),
            minutes_10=_new_point_weight(step, 600),
            hour=_new_point_weight(step, _HOUR),
            hours_2=_new_point_weight(step, 2 * _HOUR),
            hours_6=_new_point_weight(step, 6 * _HOUR),
            hours_12=_new_point_weight(step, 12 * _HOUR),
            days_2=_new_point_weight(step, 2 * _DAY),
            gap_memory=_new_point_weight(step, 14 * _DAY),
            forgetting=np.exp(-step / (3 * _DAY)),
            season_warm=2 * _DAY / step,
            flag_warm=DAYS_BEFORE_FLAGS * _DAY / step,
            least_silence=max(1.0, np.ceil(_SHORTEST_RUN / step)),
            least_repeats=max(2.0 if step < _HOUR else 1.0, np.ceil(_SHORTEST_RUN / step)),
        )


def enable_kernel_cache(home: Home) -> Path:
    """Cache the compiled loops in the home, and return the folder.

    Compiling them takes seconds in each process. Numba is not imported here.
    """
    modules = state, channels, alarm_rates, recurrence, runs, kernel
    sources = hash_sources(*modules)
    return enable_disk_cache(home.compiled / f"{sources}-{version('numba')}", _KERNELS.values())


def compile_kernels() -> None:
    """Compile the loops, or load them from the cache."""
    for tier in TIERS:
        model = AnomalyModel(tier=tier)
        model.update(model.start(1), np.zeros(1, np.int64), np.zeros((1, 1)))


def _new_point_weight(step: int, seconds: float) -> float:
    """Return the weight of a new point in an exponential average with this time constant."""
    return float(1 - np.exp(-step / seconds))


def _check_times(states: NDArray[np.void], times: NDArray[np.int64]) -> None:
    if len(times) > 1 and not (np.diff(times) > 0).all():
        raise ValueError("times must rise strictly; sort them and drop repeated times")
    if times[0] <= states["seen_until"].max():
        raise ValueError(
            "times begin before the last point that was scored; give only later points"
        )
