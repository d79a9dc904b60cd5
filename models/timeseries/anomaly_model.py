"""Finds what is unusual in metric series, in units of false alarms a week."""

from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from features.home import Home
from features.timeseries import alarm_rates, channels, state
from features.timeseries.alarm_rates import Alarms, Gaps
from features.timeseries.channels import TimeConstants
from features.timeseries.jit import enable_disk_cache, hash_sources
from features.timeseries.kernel import score_all_full, score_all_light
from features.timeseries.state import FULL_STATE, LIGHT_STATE, SLOTS, new_states
from models.base.series_model import SeriesModel, SeriesScores

Tier = Literal["full", "light"]
TIERS: tuple[Tier, ...] = ("full", "light")

DAYS_BEFORE_FLAGS = 5

_HOUR = 3_600
_DAY = 86_400

_KERNELS = {"full": score_all_full, "light": score_all_light}
_STATES = {"full": FULL_STATE, "light": LIGHT_STATE}

# Rounded from the visible series, by `python tests/benchmarks/telemetry_constants.py`.
_ALARMS = {
    "full": Alarms(0.2, 1.65, 0.21, 10.0, 0.1, 0.5, 672.0, 1.6, 0.48),
    "light": Alarms(0.2, 1.85, 0.23, 10.0, 0.1, 0.5, 672.0, 1.7, 0.5),
}
_GAPS = Gaps(bonus=0.25, least_points=15.0)
_BAND_SPREADS = 4.0

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
    """Scores series by how far they are from their own past, over several channels at once.

    Each channel is a deviation: from a fast level, from the time of day, from the last point and,
    in the tier `full`, of the last minutes, of the trend, from an autoregressive forecast and from
    the hour of the week. It is divided by its own spread, and its surprise is log2(1 + that), as of
    a tail like 1/x; the score is the channels' mean surprise, less half of what this series often
    reaches by itself. What an incident may change is clipped. After two days scores mean something,
    after five they have alarm rates: a generalised Pareto tail of hourly peaks, learned from the
    series' own past around shipped constants.

    `step_seconds` is the usual distance of two points; a missing point is NaN.

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
        """Names what a state's bytes mean: of another layout they cannot be read."""
        return f"{self.tier}-1-{_STATES[self.tier].itemsize}-{self.step_seconds}"

    def start(self, count: int) -> NDArray[np.void]:
        """Return the states of so many series that have no past."""
        return new_states(count, _STATES[self.tier])

    def restore(self, kept: bytes) -> NDArray[np.void]:
        """Return states from their bytes, one after the other; the `layout` must be the same."""
        return np.frombuffer(kept, _STATES[self.tier]).copy()

    def update(
        self, states: NDArray[np.void], times: NDArray[np.int64], values: NDArray[np.float64]
    ) -> SeriesScores:
        """Score the next points of each series and move its state, in place, past them.

        `times` are unix seconds, strictly rising; values (series, points) are NaN where missing,
        and missing beyond 1e30. Raises `ValueError` for times that do not rise, or that a state is
        past already.
        """
        found = np.zeros(values.shape, _SCORES)
        found["alarms_per_week"] = np.inf
        found["expected"] = found["spread"] = np.nan
        if found.size:
            _check_times(states, times)
            # Of another layout in memory, the loop would be compiled again.
            times = np.require(times, np.int64, ["C", "W"])
            values = np.require(values, np.float64, ["C", "W"])
            kernel = _KERNELS[self.tier]
            kernel(states, self._pace, _ALARMS[self.tier], _GAPS, times, values, found)
            states["seen_until"] = times[-1]
        band = _BAND_SPREADS * found["spread"]
        return SeriesScores(
            score=found["score"],
            alarms_per_week=found["alarms_per_week"],
            expected=found["expected"],
            lower=found["expected"] - band,
            upper=found["expected"] + band,
            channel=found["channel"],
        )

    @cached_property
    def _pace(self) -> TimeConstants:
        step = self.step_seconds
        slots = max(1, min(SLOTS, _DAY // step))
        return TimeConstants(
            step=step,
            slots=slots,
            slot_points=max(1.0, _DAY / slots / step),
            hour_points=max(1.0, _HOUR / step),
            minutes_3=_share(step, 180),
            minutes_10=_share(step, 600),
            hour=_share(step, _HOUR),
            hours_2=_share(step, 2 * _HOUR),
            hours_6=_share(step, 6 * _HOUR),
            hours_12=_share(step, 12 * _HOUR),
            days_2=_share(step, 2 * _DAY),
            gap_memory=_share(step, 14 * _DAY),
            forgetting=np.exp(-step / (3 * _DAY)),
            season_warm=2 * _DAY / step,
            flag_warm=DAYS_BEFORE_FLAGS * _DAY / step,
        )


def enable_kernel_cache(home: Home) -> None:
    """Keep the compiled loops in the home: compiling takes seconds in each process otherwise."""
    folder = home.compiled / hash_sources(state, channels, alarm_rates)
    enable_disk_cache(folder, _KERNELS.values())


def compile_kernels() -> None:
    """Compile the loops now, or read them from where they are kept, so that no caller waits."""
    for tier in TIERS:
        model = AnomalyModel(tier=tier)
        model.update(model.start(1), np.zeros(1, np.int64), np.zeros((1, 1)))


def _share(step: int, seconds: float) -> float:
    """The weight of a new point in an average that forgets with this time constant."""
    return float(1 - np.exp(-step / seconds))


def _check_times(states: NDArray[np.void], times: NDArray[np.int64]) -> None:
    if len(times) > 1 and not (np.diff(times) > 0).all():
        raise ValueError("times must rise strictly; sort them and drop those that repeat")
    if times[0] <= states["seen_until"].max():
        raise ValueError("times begin before the end of what was seen; give only later points")
