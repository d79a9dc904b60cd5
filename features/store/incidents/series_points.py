"""The points of a series as a JSON column: one list for each curve."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from features.domain.telemetry.series_anomaly import SeriesPoints

_CURVES = ("values", "expected", "lower", "upper")


def write_points(points: SeriesPoints) -> dict[str, Any]:
    """Return points as JSON.

    >>> write_points(SeriesPoints((60,), (float("nan"),), (1.0,), (None,), (2.0,)))["values"]
    [None]
    """
    # JSON has no NaN and no infinity, and PostgreSQL refuses them.
    columns = {name: getattr(points, name) for name in _CURVES}
    return {"times": [int(time) for time in points.times]} | {
        name: [None if value is None or not isfinite(value) else float(value) for value in values]
        for name, values in columns.items()
    }


def read_points(columns: Mapping[str, Any] | None) -> SeriesPoints:
    """Return the points of a row; none where the row has none.

    >>> read_points(None).times
    ()
    """
    return SeriesPoints(**{name: tuple(values) for name, values in (columns or {}).items()})
