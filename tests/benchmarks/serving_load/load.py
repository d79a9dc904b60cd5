"""Loads on a service: requests at times that are set in advance, and clients that take turns."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from serving_load.connections import Answer, ConnectionPool


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its status, 0 if the connection failed, and the seconds since it was due."""

    status: int
    seconds: float

    @property
    def is_answered(self) -> bool:
        """Whether the service answered, and did not refuse."""
        return self.status == 200


def arrival_times(rate: float, count: int, random: Random) -> list[float]:
    """Return times in seconds of independent arrivals (a Poisson process) at a mean rate a second.

    >>> times = arrival_times(5, 1000, Random(0))
    >>> 0.15 < times[-1] / 1000 < 0.25
    True
    """
    at, times = 0.0, []
    for _ in range(count):
        at += random.expovariate(rate)
        times.append(at)
    return times


def open_loop(port: int, path: str, bodies: Sequence[bytes], times: Sequence[float]) -> list[Call]:
    """Send each body at its time, whether or not earlier ones were answered.

    A latency counts from the time at which the request was due. So a service that stalls is charged
    for all requests that came meanwhile (no coordinated omission).
    """
    return asyncio.run(_send_on_time(port, path, bodies, times))


def closed_loop(port: int, path: str, bodies: Sequence[bytes], clients: int) -> tuple[float, int]:
    """Let clients send bodies, each its next when the last is answered.

    Returns the seconds that all took, and how many were answered with 200.
    """
    return asyncio.run(_send_in_turn(port, path, bodies, clients))


def one_by_one(port: int, path: str, bodies: Sequence[bytes]) -> None:
    """Send bodies one after the other. Raises `RuntimeError` if one is not answered with 200."""
    _, answered = closed_loop(port, path, bodies, 1)
    if answered < len(bodies):
        raise RuntimeError(f"{len(bodies) - answered} of {len(bodies)} requests were not answered")


async def _send_on_time(
    port: int, path: str, bodies: Sequence[bytes], times: Sequence[float]
) -> list[Call]:
    async with ConnectionPool(port) as pool:
        began = time.monotonic() + 0.1
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(_send_when_due(pool, path, body, began + at))
                for body, at in zip(bodies, times, strict=True)
            ]
    return [task.result() for task in tasks]


async def _send_when_due(pool: ConnectionPool, path: str, body: bytes, due: float) -> Call:
    await asyncio.sleep(max(0.0, due - time.monotonic()))
    status, _ = await _post(pool, path, body)
    return Call(status, time.monotonic() - due)


async def _send_in_turn(
    port: int, path: str, bodies: Sequence[bytes], clients: int
) -> tuple[float, int]:
    waiting, answered = iter(bodies), 0

    async def send(pool: ConnectionPool) -> None:
        nonlocal answered
        for body in waiting:
            status, _ = await _post(pool, path, body)
            answered += status == 200

    async with ConnectionPool(port) as pool:
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(send(pool))
        return time.monotonic() - began, answered


async def _post(pool: ConnectionPool, path: str, body: bytes) -> Answer:
    try:
        return await pool.post(path, body)
    except (OSError, EOFError, ValueError):
        return 0, b""
