"""Forecasts for metric series that a caller sends."""

from collections.abc import Sequence
from dataclasses import dataclass

from features.timeseries.resampling import lay_on_grid
from models.base.series_model import LevelledSeries
from models.timeseries.forecast.breach_forecast import BreachForecast, forecast_breaches

_CALIBRATED_WEEKS = 2.0
# The warnings of the grid that are about anomalies only.
_NOT_ABOUT_FORECASTS = ("counter:", "constant:")


@dataclass(frozen=True, slots=True)
class ForecastSeries:
    """The forecast of a series; it is None if the series has no value."""

    name: str
    forecast: BreachForecast | None
    warnings: tuple[str, ...]


def forecast_series(sent: LevelledSeries, horizons: Sequence[float]) -> ForecastSeries:
    """Forecast when a series reaches its level, for horizons in seconds.

    >>> import numpy as np
    >>> from models.base.series_model import MetricSeries
    >>> series = MetricSeries("disk", 60 * np.arange(3), np.array([1.0, 2.0, 9.0]))
    >>> answer = forecast_series(LevelledSeries(series, 9.0, "above"), [3_600.0])
    >>> answer.forecast.breaches[0].probability, len(answer.warnings)
    (1.0, 2)
    """
    series = sent.series
    grid = lay_on_grid(series.times, series.values)
    forecast = forecast_breaches(grid, sent.level, sent.direction, horizons)
    about_points = (text for text in grid.warnings if not text.startswith(_NOT_ABOUT_FORECASTS))
    warnings = (*about_points, *_warnings(sent, forecast))
    return ForecastSeries(series.name, forecast, warnings)


def _warnings(sent: LevelledSeries, forecast: BreachForecast | None) -> list[str]:
    if forecast is None:
        return ["silent: the series has no values, so nothing can be told about it"]
    warnings = []
    if forecast.is_beyond:
        warnings.append("beyond: the last value has reached the level already")
    if forecast.weeks < _CALIBRATED_WEEKS:
        warnings.append(
            f"uncalibrated: the series has values for {7 * forecast.weeks:.1f} days, fewer than "
            f"{7 * _CALIBRATED_WEEKS:.0f}; what recurs by day or week is not known yet"
        )
    lowest, highest = sent.series.bounds
    above, below = highest is not None and sent.level > highest, lowest is not None
    if above or (below and sent.level < (lowest or 0.0)):
        warnings.append("bounds: the level lies outside the bounds of the series")
    return warnings
