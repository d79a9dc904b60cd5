"""A service under a steady load: its memory, descriptors and latency must stay flat."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import numpy as np

from serving_load.bench_home import Bench, triage_bodies
from serving_load.connections import body_of
from serving_load.load import Call, arrival_times, open_loop
from serving_load.process_figures import memory_megabytes, open_descriptors

_RATE = 2.0
_WRITE_EVERY = 4
_MOST_MEMORY_GROWTH, _MOST_DESCRIPTOR_GROWTH, _MOST_LATENCY_GROWTH = 0.05, 10, 0.5


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute of the soak."""

    megabytes: float
    descriptors: int
    p50_seconds: float
    p99_seconds: float
    failed: int


def soak(bench: Bench, minutes: int) -> list[Minute]:
    """Ask twice a second, and store every fourth incident too."""
    random = Random(0)
    return [_one_minute(bench, random) for _ in range(minutes)]


def growth(minutes: list[Minute]) -> dict[str, str]:
    """Return what grew from the second quarter to the last beyond what noise explains.

    The first quarter is left out, because caches fill in it.
    """
    quarter = max(1, len(minutes) // 4)
    before, after = minutes[quarter : 2 * quarter] or minutes[:1], minutes[-quarter:]

    def medians(name: str) -> tuple[float, float]:
        both = ([getattr(minute, name) for minute in part] for part in (before, after))
        first, last = (float(np.median(values)) for values in both)
        return first, last

    found = {}
    first, last = medians("megabytes")
    if last > first * (1 + _MOST_MEMORY_GROWTH):
        found["memory"] = f"{first:.0f} to {last:.0f} MB"
    first, last = medians("descriptors")
    if last > first + _MOST_DESCRIPTOR_GROWTH:
        found["descriptors"] = f"{first:.0f} to {last:.0f}"
    first, last = medians("p50_seconds")
    if last > first * (1 + _MOST_LATENCY_GROWTH):
        found["latency"] = f"p50 {1000 * first:.0f} to {1000 * last:.0f} ms"
    if failed := sum(minute.failed for minute in minutes):
        found["failed calls"] = str(failed)
    return found


def describe(minutes: list[Minute]) -> Iterator[str]:
    """Yield one line for the first, the middle and the last minute."""
    for place in sorted({0, len(minutes) // 2, len(minutes) - 1}):
        minute = minutes[place]
        yield (
            f"minute {place + 1}: {minute.megabytes:.0f} MB, {minute.descriptors} descriptors, "
            f"p50 {1000 * minute.p50_seconds:.0f} ms, p99 {1000 * minute.p99_seconds:.0f} ms"
        )


def _one_minute(bench: Bench, random: Random) -> Minute:
    began = time.monotonic()
    count = round(60 * _RATE)
    incidents = bench.reports.take(count)
    times = arrival_times(_RATE, count, random)
    # Those of the last second would otherwise come at once, as an overload.
    times = [at * min(1.0, 59.0 / times[-1]) for at in times]
    calls = open_loop(bench.service.port, "/v1/triage", triage_bodies(incidents), times)
    stored = incidents[::_WRITE_EVERY]
    calls_of_writes = open_loop(
        bench.service.port,
        "/v1/incidents",
        [body_of({"incident": incident}) for incident in stored],
        [0.01 * place for place in range(len(stored))],
    )
    time.sleep(max(0.0, 60 - (time.monotonic() - began)))
    return _minute(bench, calls, calls_of_writes)


def _minute(bench: Bench, calls: list[Call], writes: list[Call]) -> Minute:
    p50, p99 = np.quantile([call.seconds for call in calls], [0.5, 0.99])
    pid = bench.service.pid
    failed = sum(not call.is_answered for call in [*calls, *writes])
    return Minute(memory_megabytes(pid), open_descriptors(pid), float(p50), float(p99), failed)
