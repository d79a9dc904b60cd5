"""The state of a metric series: one record of fixed size, however long the series is."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

CHANNELS = ("level", "time of day", "step", "burst", "trend", "forecast", "hour of week")
LIGHT_CHANNELS = 3
OFF_DAY, OFF_WEEK = CHANNELS.index("time of day"), CHANNELS.index("hour of week")
GAP = len(CHANNELS)
FROZEN = GAP + 1

LARGEST = 1e30
SLOTS = 288
HOURS = 168
AFTER_GAP = 5
LAGS = 2
TERMS = 6

# Runs of points that are not judged by their score: no value comes, the value repeats exactly, or
# it is far from the usual value of the time of day or of the hour of the week.
RUNS = ("silent", "frozen", "off the day", "off the week")
SILENT_RUN, FROZEN_RUN, DAY_RUN, WEEK_RUN = range(len(RUNS))
RUN_LENGTHS = 16

# Excursions that are remembered: size, duration, lowest and highest value.
EXCURSIONS = 96
QUARTERS = 4
SIZE, DURATION, LOWEST, HIGHEST = range(4)


def _record(channels: int) -> list[tuple[object, ...]]:
    return [
        ("seen_until", "i8"),
        ("origin", "f8"),
        ("points", "f8"),
        ("last", "f8"),
        ("level", "f8", (3,)),
        ("spread", "f8", (channels,)),
        ("last_score", "f8"),
        ("width", "f8"),
        ("often", "f8"),
        ("since_gap", "f8"),
        ("gap_share", "f8"),
        ("repeat_share", "f8"),
        ("runs", "f8", (len(RUNS),)),
        ("run_peaks", "f8", (len(RUNS),)),
        ("run_counts", "f4", (len(RUNS), RUN_LENGTHS)),
        ("quantile", "f8"),
        ("excess", "f8"),
        ("exceedances", "f8"),
        ("hours", "f8"),
        ("hour_peak", "f8"),
        ("hour_points", "f8"),
        ("season", "f4", (SLOTS, 3)),
        ("missed", "f8"),
        ("lately", "f8", (QUARTERS, 2)),
        ("began_at", "f8"),
        ("lasted_until", "f8"),
        ("excursion", "f8", (4,)),
        ("excursions_at", "f8", (EXCURSIONS,)),
        ("excursions", "f4", (EXCURSIONS, 4)),
    ]


# `level` holds averages over ten minutes, an hour and half a day. `season` holds the level, the
# spread and the number of points of each slot of the day.
LIGHT_STATE = np.dtype(_record(LIGHT_CHANNELS), align=True)
FULL_STATE = np.dtype(
    [
        *_record(len(CHANNELS)),
        ("drift", "f8", (3,)),
        ("lags", "f8", (LAGS,)),
        ("weights", "f8", (TERMS,)),
        ("covariance", "f8", (TERMS, TERMS)),
        ("week", "f4", (HOURS, 3)),
    ],
    align=True,
)


class SeriesState(Protocol):
    """The fields of a state; the light state does not have those after `season`."""

    origin: float
    points: float
    last: float
    last_score: float
    width: float
    often: float
    level: NDArray[np.float64]
    spread: NDArray[np.float64]
    since_gap: float
    gap_share: float
    repeat_share: float
    runs: NDArray[np.float64]
    run_peaks: NDArray[np.float64]
    run_counts: NDArray[np.float32]
    quantile: float
    excess: float
    exceedances: float
    hours: float
    hour_peak: float
    hour_points: float
    season: NDArray[np.float32]
    missed: float
    lately: NDArray[np.float64]
    began_at: float
    lasted_until: float
    excursion: NDArray[np.float64]
    excursions_at: NDArray[np.float64]
    excursions: NDArray[np.float32]
    drift: NDArray[np.float64]
    lags: NDArray[np.float64]
    weights: NDArray[np.float64]
    covariance: NDArray[np.float64]
    week: NDArray[np.float32]


def new_states(count: int, dtype: np.dtype[np.void]) -> NDArray[np.void]:
    """Return the states of new series, which have no points yet.

    >>> new_states(2, LIGHT_STATE)["points"].tolist()
    [0.0, 0.0]
    """
    states = np.zeros(count, dtype)
    states["seen_until"] = np.iinfo(np.int64).min
    states["since_gap"] = AFTER_GAP
    if "covariance" in (dtype.names or ()):
        states["covariance"] = np.eye(TERMS) * 10.0
    return states
