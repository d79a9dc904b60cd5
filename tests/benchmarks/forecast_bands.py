"""Measures how often the 80% band of a series' expected course holds what followed within 6 hours.

`python tests/benchmarks/forecast_bands.py` prints it for all origins, and for those from which a
breach is likely, which is when people see the band.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from forecast_origins import Origin, origins_of, weekly_sums
from results import NamedFigure
from rich.console import Console
from telemetry_data import Floats, load_kpi, load_wsd

from models.timeseries.forecast.breach_curve import BreachCurve
from models.timeseries.forecast.breach_probability import TrustedTrend
from models.timeseries.forecast.expected_path import expected_band

_SECONDS = 6 * 3_600
_HOURS_APART, _EVERY = 6, 7
_LIKELY = 0.5
_DRAWS = 1_000


def main() -> None:
    """Print the figures for all visible series."""
    for figure in measure_bands(None):
        Console().print(f"{figure.name}: {figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]")


def measure_bands(series: int | None) -> list[NamedFigure]:
    """Return the coverage of the band over so many series of each source."""
    origins = [
        origin
        for load in (load_wsd, load_kpi)
        for one in load()[:series]
        for origin in list(origins_of(one, _HOURS_APART))[::_EVERY]
    ]
    measured = [(origin, covered) for origin in origins for covered in _covered(origin)]
    likely = [(origin, covered) for origin, covered in measured if _is_likely(origin)]
    return [
        _figure("80% band of the expected course, 6 h", measured),
        _figure("80% band of the expected course, 6 h, where a breach is likely", likely),
    ]


def _covered(origin: Origin) -> Iterator[float]:
    """Yield the share of the next blocks whose mean lies in the band, if both are known."""
    later = _later_means(origin)
    blocks, course = origin.blocks, origin.course
    trend = TrustedTrend.find(blocks, course, blocks.count(_SECONDS))
    lower, upper = expected_band(blocks, course, trend, _SECONDS)
    if later is None or len(later) != len(lower):
        return
    is_known = ~np.isnan(later) & ~np.isnan(lower)
    if is_known.any():
        yield float(((lower <= later) & (later <= upper))[is_known].mean())


def _later_means(origin: Origin) -> Floats | None:
    width = origin.blocks.seconds // origin.series.step_seconds
    count = width * origin.blocks.count(_SECONDS)
    values = origin.series.values[origin.index + 1 : origin.index + 1 + count]
    if len(values) < count:
        return None
    rows = values.reshape(-1, width)
    known = (~np.isnan(rows)).sum(axis=1)
    means: Floats = np.where(known, np.nansum(rows, axis=1) / np.maximum(known, 1), np.nan)
    return means


def _is_likely(origin: Origin) -> bool:
    curve = BreachCurve.of(origin.blocks, origin.course, _SECONDS)
    return curve.probability(_SECONDS) >= _LIKELY


def _figure(name: str, measured: Sequence[tuple[Origin, float]]) -> NamedFigure:
    shares = np.array([[covered, 1.0] for _, covered in measured])
    weeks = np.array([origin.week for origin, _ in measured])
    sums = weekly_sums(shares, weeks, _DRAWS)
    low, high = np.quantile(sums[:, 0] / sums[:, 1], [0.025, 0.975])
    return NamedFigure(name, float(shares[:, 0].mean()), float(low), float(high))


if __name__ == "__main__":
    main()
