"""Forecasts hourly peaks with MSTL and AutoETS, run apart because of the versions they need.

The level is 1. The probability within six hours is the highest of those of the six hours, by the
normal distribution that the library's 80% interval stands for.
"""

import sys

import numpy as np
from scipy.special import ndtr
from statsforecast.models import MSTL, AutoETS

_HOURS, _DAY = 6, 24
_DEVIATIONS_80 = 1.2816


def _probability(model: object, peaks: np.ndarray) -> float:
    forecast = model.forecast(y=peaks, h=_HOURS, level=[80])
    spread = (forecast["hi-80"] - forecast["mean"]) / _DEVIATIONS_80
    return float(ndtr((forecast["mean"] - 1.0) / np.maximum(spread, 1e-6)).max())


def main() -> None:
    """Read the hourly peaks of origins, and write a probability for each by library."""
    sent, answered = sys.argv[1:]
    series = np.load(sent)
    peaks = [series[f"series{number}"].astype(float) for number in range(len(series.files))]
    peers = {
        "statsforecast's MSTL": lambda: MSTL([_DAY], trend_forecaster=AutoETS(model="ZZN")),
        "statsforecast's AutoETS": lambda: AutoETS(season_length=_DAY),
    }
    np.savez(
        answered,
        **{name: [_probability(make(), one) for one in peaks] for name, make in peers.items()},
    )


if __name__ == "__main__":
    main()
