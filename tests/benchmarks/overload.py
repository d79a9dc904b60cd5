"""Measures waits under overload: an open loop of triage calls beside alerts, pages and probes.

`python tests/benchmarks/overload.py` copies no home: set PRECEDENT_HOME to one that may be changed.
"""

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import numpy as np
from alert_load import delivery
from service_process import ServiceProcess

from features.home import HomeSettings

_TIMEOUT_SECONDS = 60.0
_CONNECTIONS = 400
_PROBES_PER_SECOND = 4
_PATHS = ("/health/live", "/health/ready", "/metrics", "/", "/v1/models")
_WARM_UP_SECONDS = 5.0

Waits = dict[str, list[float]]


def ask(port: int, method: str, path: str, body: object = None) -> int:
    """Send one request over a connection of its own, and return the status of its answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def triage(port: int, number: int) -> int:
    """Ask for one triage; no text is asked about twice."""
    title = f"VPN of site {number} drops every few minutes {time.time_ns()}"
    return ask(port, "POST", "/v1/triage", {"incident": {"title": title, "service": "vpn"}})


def measure_capacity(port: int) -> float:
    """Return how many triages a second two clients get that wait for their answers."""
    began, done = time.monotonic(), 0
    with ThreadPoolExecutor(2) as pool:
        while time.monotonic() - began < _WARM_UP_SECONDS:
            done += sum(status == 200 for status in pool.map(lambda n: triage(port, n), range(4)))
    return done / (time.monotonic() - began)


def run_open_loop(
    port: int, calls_per_second: float, seconds: float
) -> tuple[Waits, Counter[tuple[str, int]]]:
    """Send requests at regular times; waits count from the time a request was due."""
    waits: Waits = defaultdict(list)
    statuses: Counter[tuple[str, int]] = Counter()
    began = time.monotonic() + 0.5

    def send(name: str, due: float, request: Callable[[], int]) -> None:
        time.sleep(max(0.0, due - time.monotonic()))
        with suppress(OSError, HTTPException):
            status = request()
            statuses[name, status] += 1
            waits[name if status == 200 else f"{name} refused"].append(time.monotonic() - due)
            return
        statuses[name, 0] += 1

    plan: list[tuple[float, str, Callable[[], int]]] = [
        (began + n / calls_per_second, "triage", lambda n=n: triage(port, n))  # type: ignore[misc]
        for n in range(int(calls_per_second * seconds))
    ]
    for n in range(int(_PROBES_PER_SECOND * seconds)):
        due = began + n / _PROBES_PER_SECOND
        alert = delivery(n, 30)
        plan.append((due, "alert", lambda a=alert: ask(port, "POST", "/hooks/alertmanager", a)))  # type: ignore[misc]
        plan += [(due, path, lambda p=path: ask(port, "GET", p)) for path in _PATHS]  # type: ignore[misc]
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        for due, name, request in sorted(plan, key=lambda entry: entry[0]):
            time.sleep(max(0.0, due - 0.2 - time.monotonic()))
            pool.submit(send, name, due, request)
    return waits, statuses


def main() -> int:
    """Measure, and print a line for each kind of request."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=float, default=10.0, help="calls over the capacity")
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    service = ServiceProcess(Path(HomeSettings().home).absolute())
    try:
        service.start()
        capacity = measure_capacity(service.port)
        waits, statuses = run_open_loop(service.port, options.times * capacity, options.seconds)
    finally:
        service.stop()
    sys.stdout.write(f"capacity {capacity:.1f} triages/s; {options.times:g} times as many sent\n")
    for name, seconds in sorted(waits.items()):
        p50, p99 = np.percentile(seconds, [50, 99])
        sys.stdout.write(
            f"{name:20} {len(seconds):6} p50 {1000 * p50:7.0f} ms p99 {1000 * p99:7.0f} ms\n"
        )
    sys.stdout.write(f"statuses {dict(statuses)}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
