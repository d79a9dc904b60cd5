"""Generates a week of the demo company's metrics, which ends after a deploy breaks a service."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from features.domain.telemetry.change import Change
from training.demo.incidents import EXAMPLE_END

STEP_SECONDS = 60

_DAYS = 7
_AFTER_DEPLOY = timedelta(minutes=18)
_INNOCENT = 15
_PEAK_HOURS = (-3.5, 1.5)
_APART_MINUTES = 20
_DAY = 86_400
_UNITS = {"requests": "1/s", "errors": "1/s", "latency": "s"}

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DemoSeries:
    """One metric of one service, with one value per minute."""

    service: str
    metric: str
    unit: str
    values: Array

    @property
    def name(self) -> str:
        """The name of the series in Prometheus notation."""
        return f'{self.metric}{{service="{self.service}"}}'


@dataclass(frozen=True, slots=True)
class DemoDay:
    """The metrics and the changes until 18 minutes after the deploy that broke `service`.

    `times` are unix seconds, one for each value of every series. `culprit` is the change at fault.
    """

    times: NDArray[np.int64]
    series: tuple[DemoSeries, ...]
    changes: tuple[Change, ...]
    culprit: Change
    service: str

    @property
    def ends_at(self) -> datetime:
        """The time of the last value."""
        return datetime.fromtimestamp(int(self.times[-1]), UTC)


def generate_day(
    dependencies: Mapping[str, Sequence[str]], *, seed: int = 0, end: datetime = EXAMPLE_END
) -> DemoDay:
    """Generate a week of metrics that ends at `end`, 18 minutes after a deploy breaks a service.

    `end` is a UTC time without seconds. Equal arguments give an equal day; another `end` shifts the
    same values in time. Load has a daily season, and every metric has noise. The deployed service
    fails within three minutes after the deploy. The services that depend on it, directly or
    indirectly, follow some minutes later and are affected less. The other deploys of that day, on
    this service and on others, are harmless.

    >>> day = generate_day({"web": ["database"], "database": []})
    >>> [series.name for series in day.series][:2], day.culprit.at.minute
    (['requests{service="web"}', 'errors{service="web"}'], 2)
    """
    rng = default_rng(seed)
    deployed_at = end - _AFTER_DEPLOY
    times = np.arange(-_DAYS * _DAY, 0, STEP_SECONDS, dtype=np.int64) + int(end.timestamp())
    services = list(dependencies)
    service = services[int(rng.integers(len(services)))]
    harm = dict(_spread(dependencies, service, deployed_at, rng))
    series = [metric for name in services for metric in _metrics(name, times, harm.get(name), rng)]
    culprit = Change("deploy-0", service, deployed_at, "deploy", f"{service} 4.2")
    changes = [culprit, *_innocent(services, culprit, rng)]
    return DemoDay(times, tuple(series), tuple(changes), culprit, service)


@dataclass(frozen=True, slots=True)
class _Harm:
    """How a failure affects a service: its start, in unix seconds, and its size.

    A size of 1 doubles the service's latency.
    """

    began: float
    size: float


def _spread(
    dependencies: Mapping[str, Sequence[str]], service: str, deployed_at: datetime, rng: Generator
) -> Iterator[tuple[str, _Harm]]:
    """Yield the broken service, then all that depend on it, nearest first, each with its harm."""
    began = deployed_at.timestamp() + rng.uniform(0, 180)
    reached = {service: _Harm(began, rng.uniform(1.0, 3.0))}
    waiting = [service]
    while waiting:
        broken = waiting.pop(0)
        yield broken, reached[broken]
        for user, needed in dependencies.items():
            if broken in needed and user not in reached:
                source = reached[broken]
                later = source.began + rng.uniform(60, 300)
                reached[user] = _Harm(later, source.size * rng.uniform(0.3, 0.8))
                waiting.append(user)


def _metrics(
    service: str, times: NDArray[np.int64], harm: _Harm | None, rng: Generator
) -> Iterator[DemoSeries]:
    size = rng.uniform(20, 200)
    # The peak is relative to the last time, so that the failure looks the same for every `end`.
    peak = times[-1] + rng.uniform(*_PEAK_HOURS) * 3_600
    season = 1 + rng.uniform(0.3, 0.6) * np.cos(2 * np.pi * (times - peak) / _DAY)
    load = size * season * _noise(times, rng, 0.05)
    hurt = np.zeros(len(times))
    if harm is not None:
        since = np.maximum(times - harm.began, 0)
        hurt = harm.size * (1 - np.exp(-since / 120))
    share = rng.uniform(0.002, 0.01)
    expected = load * share * (1 + 8 * hurt) * STEP_SECONDS
    base = rng.uniform(0.05, 0.5)
    values = {
        "requests": load * (1 - 0.1 * np.minimum(hurt, 1)),
        "errors": rng.poisson(expected) / STEP_SECONDS,
        "latency": base * (1 + 0.3 * load / size) * (1 + hurt) * _noise(times, rng, 0.08),
    }
    for metric, unit in _UNITS.items():
        yield DemoSeries(service, metric, unit, values[metric])


def _noise(times: NDArray[np.int64], rng: Generator, spread: float) -> Array:
    """Return noise factors around 1; as in real metrics, successive factors are correlated."""
    shocks = rng.normal(0, spread, len(times))
    lingering: Array = np.exp(np.convolve(shocks, [0.6, 0.3, 0.1], mode="same"))
    return lingering


def _innocent(services: Sequence[str], culprit: Change, rng: Generator) -> Iterator[Change]:
    for number in range(1, _INNOCENT + 1):
        service = services[int(rng.integers(len(services)))]
        # A second deploy of the same service within minutes would make the culprit ambiguous.
        latest = _APART_MINUTES if service == culprit.service else -5
        at = culprit.at - timedelta(minutes=float(rng.uniform(latest, 360)))
        yield Change(f"deploy-{number}", service, at, "deploy", f"{service} 3.{number}")
