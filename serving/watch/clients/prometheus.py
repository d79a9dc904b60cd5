"""Reads series from Prometheus, or from a server with the same HTTP API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic_core import from_json

from features.timeseries.state import LARGEST
from features.timeseries.time_grid import Times, Values, to_slots
from serving.runtime.http_client import HttpClient, RequestFailed, shorten
from serving.watch.clients.large_answer import LargeAnswer, read_large_answer

_PATH = "/api/v1/query_range"
_LARGE = 2**20


class TooManySeries(RequestFailed):
    """A query selects more than `max_series` series."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """The answer to a query: `values` has a row for each label set and a column for each time.

    Missing values are NaN, and so are values that are infinite or at least 1e30 in magnitude.
    """

    labels: tuple[Mapping[str, str], ...]
    times: Times
    values: Values


class PrometheusClient:
    """Queries one server; every failure raises a `RequestFailed` with a message of one line."""

    def __init__(self, server: HttpClient, max_series: int) -> None:
        self.url = server.url
        self._server = server
        self._max_series = max_series

    def read(self, query: str, times: Times, step_seconds: int) -> Matrix:
        """Return the values of each series that a query selects; `times` are successive slots.

        If a slot has several samples, the last is used.
        """
        form = {
            "query": query,
            "start": str(times[0]),
            "end": str(times[-1]),
            "step": str(step_seconds),
        }
        status, body = self._server.post_form(_PATH, form)
        large = read_large_answer(body, times, step_seconds) if len(body) > _LARGE else None
        series = _series(status, body if large is None else large.rest)
        if len(series) > self._max_series:
            raise TooManySeries(
                f"the query selects {len(series):,} series, more than the {self._max_series:,} "
                "allowed; aggregate them, or raise max_series"
            )
        try:
            matrix = _matrix(series, times, step_seconds, large)
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise RequestFailed("Prometheus answered series of an unknown form") from error
        if len({tuple(labels.items()) for labels in matrix.labels}) < len(matrix.labels):
            raise RequestFailed(
                "the query selects metrics that differ only in name; select one, or aggregate them"
            )
        return matrix

    def close(self) -> None:
        """Close the connections."""
        self._server.close()


def _series(status: int, body: bytes) -> Sequence[Any]:
    try:
        answer = from_json(body)
    except ValueError as error:
        raise RequestFailed(f"Prometheus answered no JSON: {shorten(body)!r}") from error
    match answer:
        case {"status": "success", "data": {"resultType": "matrix", "result": list(series)}}:
            return series
        case {"status": "error", "error": str(reason)}:
            raise RequestFailed(f"Prometheus refused the query: {reason}")
    raise RequestFailed(f"Prometheus answered {status}, no matrix: {shorten(body)!r}")


def _matrix(
    all_series: Sequence[Any], times: Times, step_seconds: int, large: LargeAnswer | None
) -> Matrix:
    values = _values(all_series, times, step_seconds) if large is None else large.values
    if len(values) != len(all_series):
        raise ValueError("a series has no samples")
    return Matrix(tuple(_labels(series["metric"]) for series in all_series), times, values)


def _values(all_series: Sequence[Any], times: Times, step_seconds: int) -> Values:
    values = np.full((len(all_series), len(times)), np.nan)
    for row, series in zip(values, all_series, strict=True):
        samples = series["values"]
        sample_times = np.array([sample[0] for sample in samples], np.float64)
        is_inside = (sample_times > times[0] - step_seconds) & (sample_times <= times[-1])
        if not is_inside.all():
            raise ValueError("a sample lies outside the requested times")
        row[to_slots(sample_times, int(times[0]), step_seconds)] = [
            float(sample[1]) for sample in samples
        ]
    values[~(np.abs(values) < LARGEST)] = np.nan
    return values


def _labels(metric: Mapping[str, str]) -> dict[str, str]:
    return {str(name): str(value) for name, value in sorted(metric.items()) if name != "__name__"}
