"""Times a step of the watch for 10,000 series: looking for routines, and scoring revoked ones."""

from collections.abc import Callable
from datetime import UTC
from time import perf_counter
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from results import NamedFigure, describe_run, keep_section, named_figures_section
from rich.console import Console

from features.domain.telemetry.series_routine import SeriesRoutine
from models.timeseries.anomaly_model import AnomalyModel
from models.timeseries.revoked_routines import RevokedRoutine, update_revoked
from serving.watch.metrics import WatchMetrics
from serving.watch.routine_watch import MOST_SERIES, RoutineWatch
from serving.watch.series_keys import SeriesKey

_SERIES, _STEP, _DAY, _BEGIN, _REPEATS = 10_000, 300, 86_400, 1_767_571_200, 7


def _learned(model: AnomalyModel) -> tuple[NDArray[np.void], int]:
    """Return the states of equal series with a daily job, and the time of their last point."""
    states, times = model.start(1), _BEGIN + _STEP * np.arange(60 * _DAY // _STEP)
    into = times % _DAY
    job = 580 * ((into >= 6 * 3_600) & (into < 6.5 * 3_600))
    noise = 10 * np.random.default_rng(0).standard_normal(len(times))
    model.update(states, times, (320 + noise + job)[np.newaxis])
    return np.repeat(states, _SERIES), int(times[-1])


def _time_looking(states: NDArray[np.void], last: int) -> tuple[list[float], list[float]]:
    """Return the seconds of steps in which every series changed, and of those in which none did."""
    keys = [SeriesKey.of("shop", "latency", {"pod": str(pod)}) for pod in range(_SERIES)]
    query: Any = SimpleNamespace(
        name="shop/latency",
        states=states,
        keys=keys,
        names=[str(key) for key in keys],
        services=[None] * _SERIES,
        config=SimpleNamespace(unit="ms"),
        seen_until=last,
        newest_seen=np.zeros(_SERIES),
    )
    saved: list[SeriesRoutine] = []
    config: Any = SimpleNamespace(zone=UTC)
    watch = RoutineWatch(config, WatchMetrics(), saved.extend)

    def step() -> None:
        watch.step([query], (), last, float(last))

    steps = _SERIES // MOST_SERIES
    changed = [_seconds(step) for _ in range(steps)]
    return changed, [_seconds(step) for _ in range(steps)]


def _time_scoring(model: AnomalyModel, states: NDArray[np.void], last: int, count: int) -> float:
    """Return the median seconds of scoring a point of every series, some with a revocation."""
    revoked = [RevokedRoutine(row, 300.0, 930.0) for row in range(count)]
    values, taken = np.full((_SERIES, 1), 320.0), []
    for number in range(1, _REPEATS + 1):
        times = np.array([last + number * _STEP])
        begin = perf_counter()
        update_revoked(revoked, model.update, _STEP, states, times, values, times)
        taken.append(perf_counter() - begin)
    return float(np.median(taken))


def _seconds(step: Callable[[], None]) -> float:
    begin = perf_counter()
    step()
    return perf_counter() - begin


def main() -> None:
    """Measure, print the figures, and keep them."""
    model = AnomalyModel(step_seconds=_STEP)
    states, last = _learned(model)
    changed, idle = _time_looking(states, last)
    named = [
        _figure(f"{MOST_SERIES} of 10,000 series changed: seconds of looking", changed, "below 2"),
        _figure("no series changed: seconds of looking", idle),
    ]
    for count in (0, 100, 1_000):
        seconds = _time_scoring(model, states.copy(), last, count)
        name = f"{count} of 10,000 series with a revocation: seconds of scoring"
        named.append(NamedFigure(name, seconds, seconds, seconds))
    for figure in named:
        Console().print(f"{figure.name}: {figure.value:.4f}")
    run = describe_run("python tests/benchmarks/routine_timings.py")
    keep_section("telemetry: cost of routines", named_figures_section(__doc__ or "", named, run))


def _figure(name: str, seconds: list[float], to_reach: str = "") -> NamedFigure:
    low, middle, high = np.quantile(seconds, (0.025, 0.5, 0.975))
    return NamedFigure(name, float(middle), float(low), float(high), to_reach)


if __name__ == "__main__":
    main()
