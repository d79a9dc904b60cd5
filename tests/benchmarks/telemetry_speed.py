"""What the detector costs: 10,000 series at once, and one long stateless call over HTTP."""

import os
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from search_timings import Cost
from starlette.testclient import TestClient
from telemetry_data import Floats, Seconds
from telemetry_ours import TIERS, Tier

from models.timeseries.anomaly_model import AnomalyModel
from serving.app import create_app
from serving.runtime.settings import ServingSettings

_SERIES = 10_000
_POINTS = 60
_ROUNDS = 5
_CALL_POINTS = 40_000
_WARM_POINTS = 8 * 1440
_START = 1_700_000_040
_MICROSECONDS_AT_MOST = {"full": 1.0, "light": 0.1}


def measure_telemetry_speed(rows: int | None = None) -> list[Cost]:
    """Time both tiers on 10,000 made-up series, or on `rows`, and a call with 40,000 points."""
    count = rows or _SERIES
    costs = [cost for tier in TIERS for cost in _tier_costs(tier, count)]
    return [
        *costs,
        Cost("one stateless call with 40,000 points", _call_seconds(), "s", 0.5),
        Cost("load of the machine, one minute", os.getloadavg()[0], "processes"),
    ]


def _tier_costs(tier: Tier, count: int) -> list[Cost]:
    model, states = AnomalyModel(tier=tier), _warm_states(tier, count)
    times, values = _made_up(_WARM_POINTS, count, _POINTS * (_ROUNDS + 1))
    hours = [
        (times[at : at + _POINTS], np.ascontiguousarray(values[:, at : at + _POINTS]))
        for at in range(0, len(times), _POINTS)
    ]
    minutes = [(hours[-1][0][at : at + 1], hours[-1][1][:, at : at + 1]) for at in range(_POINTS)]
    hourly = [_timed(lambda hour=hour: model.update(states, *hour)) for hour in hours[:-1]]
    batched = median(hourly) / count / _POINTS
    single = (
        median(_timed(lambda minute=minute: model.update(states, *minute)) for minute in minutes)
        / count
    )
    name, most = f"{tier}, {count:,} series", _MICROSECONDS_AT_MOST[tier]
    return [
        Cost(f"{name}, an hour at a time", 1e6 * batched, "µs a point", most),
        Cost(f"{name}, an hour at a time", 1 / batched, "points a second and core"),
        Cost(f"{name}, a minute at a time", 1e6 * single, "µs a point"),
        Cost(f"{tier}, state", float(states.nbytes / count), "bytes a series"),
    ]


def _warm_states(tier: Tier, count: int) -> NDArray[np.void]:
    """Return the state of a series past its warm-up, once for each series."""
    model = AnomalyModel(tier=tier)
    states = model.start(1)
    model.update(states, *_made_up(0, 1, _WARM_POINTS))
    return np.repeat(states, count, axis=0)


def _made_up(first: int, count: int, points: int) -> tuple[Seconds, Floats]:
    """Return a day's wave with noise from minute `first` on, shape (series, points)."""
    times = _START + 60 * np.arange(first, first + points, dtype=np.int64)
    wave = np.sin(2 * np.pi * times / 86_400)
    noise = np.random.default_rng(first).standard_normal((count, points))
    return times, 10 + 3 * wave + noise


def _call_seconds() -> float:
    times, values = _made_up(0, 1, _CALL_POINTS)
    series = {"name": "made up", "timestamps": times.tolist(), "values": values[0].tolist()}
    body = {"series": [series], "budget_per_week": 1}
    with TemporaryDirectory() as folder:
        settings = ServingSettings(home=Path(folder) / "home")
        with TestClient(create_app(settings), base_url="http://127.0.0.1") as client:
            client.post("/v1/anomalies", json=body).raise_for_status()
            return median(
                _timed(lambda: client.post("/v1/anomalies", json=body)) for _ in range(_ROUNDS)
            )


def _timed(job: Callable[[], object]) -> float:
    started = perf_counter()
    job()
    return perf_counter() - started
