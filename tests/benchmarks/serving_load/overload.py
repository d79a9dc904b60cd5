"""Line j: waits at ten times the capacity: triage calls beside alerts, pages and probes."""

import json
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import numpy as np
from alert_load import delivery
from service_process import ServiceProcess

from serving_load.bench_home import QUIET, copied_home
from serving_load.ratios import Figure, plain

_TIMES, _SECONDS = 10.0, 30.0
_TIMEOUT_SECONDS = 60.0
_CONNECTIONS = 400
_PROBES_PER_SECOND = 4
_PATHS = ("/health/live", "/health/ready", "/metrics", "/", "/v1/models")
_WARM_UP_SECONDS = 5.0

Waits = dict[str, list[float]]


def _ask(port: int, method: str, path: str, body: object = None) -> int:
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


def _triage(port: int, number: int) -> int:
    """Ask for one triage; no text is asked about twice."""
    title = f"VPN of site {number} drops every few minutes {time.time_ns()}"
    return _ask(port, "POST", "/v1/triage", {"incident": {"title": title, "service": "vpn"}})


def _measure_capacity(port: int) -> float:
    """Return how many triages a second two clients get that wait for their answers."""
    began, done = time.monotonic(), 0
    with ThreadPoolExecutor(2) as pool:
        while time.monotonic() - began < _WARM_UP_SECONDS:
            done += sum(status == 200 for status in pool.map(lambda n: _triage(port, n), range(4)))
    return done / (time.monotonic() - began)


def _run_open_loop(port: int, calls_per_second: float, seconds: float) -> Waits:
    """Send requests at regular times; waits count from the time a request was due."""
    waits: Waits = defaultdict(list)
    began = time.monotonic() + 0.5

    def send(name: str, due: float, request: Callable[[], int]) -> None:
        time.sleep(max(0.0, due - time.monotonic()))
        with suppress(OSError, HTTPException):
            status = request()
            waits[name if status == 200 else f"{name} refused"].append(time.monotonic() - due)

    plan: list[tuple[float, str, Callable[[], int]]] = [
        (began + n / calls_per_second, "triage", lambda n=n: _triage(port, n))  # type: ignore[misc]
        for n in range(int(calls_per_second * seconds))
    ]
    for n in range(int(_PROBES_PER_SECOND * seconds)):
        alert = delivery(n, 30)
        probes: list[tuple[str, Callable[[], int]]] = [
            ("alert", lambda a=alert: _ask(port, "POST", "/hooks/alertmanager", a)),  # type: ignore[misc]
            *((path, lambda p=path: _ask(port, "GET", p)) for path in _PATHS),  # type: ignore[misc]
        ]
        # One after the other, so that they do not wait for each other.
        plan += [
            (began + (n + place / len(probes)) / _PROBES_PER_SECOND, name, request)
            for place, (name, request) in enumerate(probes)
        ]
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        for due, name, request in sorted(plan, key=lambda entry: entry[0]):
            time.sleep(max(0.0, due - 0.2 - time.monotonic()))
            pool.submit(send, name, due, request)
    return waits


def measure_overload(home: Path) -> list[Figure]:
    """Line j: the 99th percentile of each kind of wait, from the time a request was due."""
    with copied_home(home) as copy:
        service = ServiceProcess(copy, QUIET)
        try:
            service.start()
            capacity = _measure_capacity(service.port)
            waits = _run_open_loop(service.port, _TIMES * capacity, _SECONDS)
        finally:
            service.stop()
    answered, refused = len(waits["triage"]), len(waits["triage refused"])
    sent = f"{_TIMES * capacity:.0f} a second were sent: {answered} answered, {refused} refused;"
    notes = {"triage": [sent]}
    names = {"triage": "accepted triages", "alert": "alerts acknowledged"}
    limits = {"triage": 2.0, "alert": 0.05}
    return [
        plain(
            "j",
            f"p99 at {_TIMES:g} times the capacity: {names.get(name, name)}",
            [float(np.percentile(waits[name], 99))],
            "s",
            limits.get(name, 0.2),
            " ".join([*notes.get(name, ()), f"p50 {1000 * np.median(waits[name]):.0f} ms"]),
        )
        for name in ("triage", "alert", *_PATHS)
    ]
