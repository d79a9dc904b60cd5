"""Measures a watch of 10,000 series: its backfill, ordinary steps, and a burst in all of them."""

import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import Process, Queue
from pathlib import Path
from statistics import median
from urllib.parse import parse_qs

import numpy as np
from results import NamedFigure, describe_run, keep_section, named_figures_section
from rich.console import Console

from features.store.store import Store, open_store
from models.timeseries.anomaly_model import TIERS, AnomalyModel, compile_kernels
from serving.runtime.http_client import HttpClient
from serving.watch.alert_payload import AlertWriter
from serving.watch.clients.prometheus import PrometheusClient
from serving.watch.config import WatchConfig
from serving.watch.lease import Lease
from serving.watch.metrics import WatchMetrics
from serving.watch.runner import WatchRunner

SERIES, STEP, DAY = 10_000, 60, 86_400
NOW = 1_780_000_020
ORDINARY, BURST, AFTER = 5, 1, 5
_COURSES = 64


@dataclass(frozen=True, slots=True)
class Cost:
    """The wall time and the CPU time of a part of the run, in seconds; the stub's is left out."""

    wall: float
    cpu: float


class StubPrometheus:
    """Answers `query_range` with the values of a day's course; all rise tenfold in the burst."""

    def __init__(self, burst_at: int) -> None:
        rng = np.random.default_rng(0)
        minutes = np.arange(DAY // STEP)
        phases = rng.uniform(0, 2 * np.pi, (_COURSES, 1))
        noise = rng.standard_normal((_COURSES, 7 * len(minutes)))
        course = 20 + 5 * np.sin(2 * np.pi * minutes / len(minutes) + phases)
        self._values = np.tile(course, 7) + 0.5 * noise
        self._burst = range(burst_at, burst_at + BURST * STEP)

    def answer(self, begin: int, end: int) -> bytes:
        """Return the matrix of all series."""
        times = range(begin, end + 1, STEP)
        courses = [self._samples(course, times) for course in range(_COURSES)]
        series = (
            f'{{"metric":{{"instance":"host-{number}"}},"values":[{courses[number % _COURSES]}]}}'
            for number in range(SERIES)
        )
        head = '{"status":"success","data":{"resultType":"matrix","result":['
        return (head + ",".join(series) + "]}}").encode()

    def _samples(self, course: int, times: range) -> str:
        values = self._values[course]
        return ",".join(
            f'[{time},"{values[time // STEP % len(values)] * (10 if time in self._burst else 1)}"]'
            for time in times
        )


def serve(burst_at: int, ports: "Queue[int]") -> None:
    """Serve a stub on a free port until the process is terminated."""
    stub = StubPrometheus(burst_at)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            body = stub.answer(int(form["start"][0]), int(form["end"][0]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    ports.put(server.server_port)
    server.serve_forever()


class LoadedWatch:
    """A watch on a store of its own, whose clock the benchmark sets."""

    def __init__(self, store: Store, port: int, history_days: float) -> None:
        self.now = float(NOW + 15)
        url = f"http://127.0.0.1:{port}"
        watched = {"query": "load", "name": "load", "unit": "%"}
        # A budget that the series share equally, so that the burst is an anomaly in each of them.
        budget = {"service_label": "instance", "budget_per_week": SERIES}
        group = {"name": "hosts", "series": [watched]} | budget
        config = WatchConfig.model_validate(
            {
                "prometheus": {"url": url, "timeout_seconds": 60},
                "history_days": history_days,
                "groups": [group],
            }
        )
        self.runner = WatchRunner(
            config,
            models={tier: AnomalyModel(tier=tier, step_seconds=STEP) for tier in TIERS},
            store=store,
            lease=Lease(store.leases, 3_600),
            prometheus=PrometheusClient(HttpClient(url, 60), SERIES),
            alertmanager=None,
            writer=AlertWriter(prometheus_url=url, step_seconds=STEP),
            metrics=WatchMetrics(),
            clock=lambda: self.now,
        )

    def catch_up(self) -> None:
        """Take steps until nothing is left to read."""
        while self.runner.step() == 0:
            pass

    def step(self) -> None:
        """Take the step of the next minute."""
        self.now += STEP
        self.runner.step()


def measure(task: Callable[[], None]) -> Cost:
    """Return what a task costs."""
    wall, cpu = time.perf_counter(), time.process_time()
    task()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu)


def run(history_days: float, folder: Path) -> dict[str, list[Cost]]:
    """Return the costs of the parts of a run, each part of the same kind in one list."""
    ports: Queue[int] = Queue()
    burst_at = NOW + (ORDINARY + 1) * STEP
    stub = Process(target=serve, args=(burst_at, ports), daemon=True)
    stub.start()
    with ExitStack() as opened:
        opened.callback(stub.terminate)
        store = opened.enter_context(open_store(f"sqlite:///{folder / 'precedent.db'}"))
        compile_kernels()
        watch = LoadedWatch(store, ports.get(), history_days)
        opened.enter_context(closing(watch.runner))
        costs = {
            "backfill": [measure(watch.catch_up)],
            "ordinary step": [measure(watch.step) for _ in range(ORDINARY)],
            "burst step": [measure(watch.step) for _ in range(BURST)],
            "step after the burst": [measure(watch.step) for _ in range(AFTER)],
        }
        found = store.anomalies.between(_at(burst_at), _at(watch.now), with_points=False)
        if len(found) < SERIES:
            raise SystemExit(
                f"only {len(found):,} of {SERIES:,} series were anomalous in the burst"
            )
        return costs


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def main(history_days: float) -> None:
    """Measure a run, print the figures, and keep them."""
    with tempfile.TemporaryDirectory() as folder:
        costs = run(history_days, Path(folder))
    limits = {"backfill": "at most 180", "burst step": "at most 2", "ordinary step": "at most 2"}
    named = [
        NamedFigure(f"{part}, {unit} seconds", *_spread(found, unit), limits.get(part, ""))
        for part, found in costs.items()
        for unit in ("wall", "cpu")
    ]
    for figure in named:
        Console().print(f"{figure.name}: {figure.value:.2f} [{figure.low:.2f}, {figure.high:.2f}]")
    run_ = describe_run(f"python tests/benchmarks/watch_load.py {history_days:g}")
    note = (
        f"{SERIES:,} series of one query at {STEP} s with {history_days:g} days of past, a stub of "
        "Prometheus in another process, SQLite. Median, least and most of several steps."
    )
    keep_section(
        f"serving: load of the watch, {history_days:g} days",
        named_figures_section(note, named, run_),
    )


def _spread(costs: list[Cost], unit: str) -> tuple[float, float, float]:
    seconds = [getattr(cost, unit) for cost in costs]
    return median(seconds), min(seconds), max(seconds)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 21.0)
