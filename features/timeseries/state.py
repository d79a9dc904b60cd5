"""The state of a metric series: one record of fixed size, however long the series is."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

CHANNELS = ("level", "time of day", "step", "burst", "trend", "forecast", "hour of week")
LIGHT_CHANNELS = 3
GAP = len(CHANNELS)

LARGEST = 1e30
SLOTS = 288
HOURS = 168
AFTER_GAP = 5
LAGS = 2
TERMS = 6
GAP_LENGTHS = 16


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
        ("missing", "f8"),
        ("gap_share", "f8"),
        ("gaps", "f4", (GAP_LENGTHS,)),
        ("quantile", "f8"),
        ("excess", "f8"),
        ("exceedances", "f8"),
        ("hours", "f8"),
        ("hour_peak", "f8"),
        ("hour_points", "f8"),
        ("season", "f4", (SLOTS, 3)),
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
        ("week", "f4", (HOURS, 2)),
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
    missing: float
    gap_share: float
    gaps: NDArray[np.float32]
    quantile: float
    excess: float
    exceedances: float
    hours: float
    hour_peak: float
    hour_points: float
    season: NDArray[np.float32]
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
