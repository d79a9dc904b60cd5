"""Servers that speak as Prometheus and Alertmanager do, or misbehave, and a model one can read."""

import json
import math
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import numpy as np

from features.store.store import Store
from models.base.series_model import SeriesModel, SeriesScores
from serving.runtime.http_client import HttpClient
from serving.watch.alert_payload import AlertWriter
from serving.watch.clients.alertmanager import AlertmanagerClient
from serving.watch.clients.prometheus import PrometheusClient
from serving.watch.config import WatchConfig
from serving.watch.lease import Lease
from serving.watch.metrics import WatchMetrics
from serving.watch.runner import WatchRunner

STEP = 60
START = 1_700_000_040  # on the grid


class PlainModel(SeriesModel):
    """Expects the running mean; what is ten away from it is out of line, after ten points.

    Values further out have fewer alarms a week; a missing value changes nothing. What is out of
    line is learned only with `learns_all`. `rates` gives the alarms a week of the others by time.
    """

    learns_all = False
    rates: Callable[[np.ndarray], np.ndarray] | None = None

    def __init__(self) -> None:
        self.calls: list[tuple[int, ...]] = []
        self.clocks: list[np.ndarray] = []

    layout = "plain"

    def start(self, count):
        return np.zeros(count, [("mean", "f8"), ("count", "f8"), ("seen_until", "i8")])

    def restore(self, kept):
        return np.frombuffer(kept, self.start(0).dtype).copy()

    def update(self, states, times, values, clock=None):
        self.clocks.append(times if clock is None else clock)
        self.calls.append(values.shape)
        expected = np.empty(values.shape)
        warm = np.empty(values.shape, np.bool_)
        for at, column in enumerate(values.T):
            mean, count = states["mean"], states["count"]
            expected[:, at], warm[:, at] = mean, count >= 10
            is_learned = (np.abs(column - mean) < 5) | (count < 10) | self.learns_all
            usual = np.isfinite(column) & is_learned
            states["count"] += usual
            step = np.where(usual, column - mean, 0) / np.maximum(states["count"], 1)
            states["mean"] += step
        states["seen_until"] = times[-1]
        usually = 1e3 if self.rates is None else self.rates(times)
        away = np.nan_to_num(np.abs(values - expected))
        alarms = np.where(warm, np.where(away > 10, 1e-6, usually), np.inf)
        return SeriesScores(
            score=away,
            alarms_per_week=alarms,
            expected=expected,
            lower=expected - 10,
            upper=expected + 10,
            channel=np.zeros(values.shape, np.int8),
        )


class Server:
    """An HTTP server on a free port whose answers a test changes while it runs."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.answer_with: Callable[[Any], tuple[int, bytes]] | None = None
        self.seconds_late = 0.0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.asked.append(body)
                status, content = (outer.answer_with or outer.answer)(body)
                time.sleep(outer.seconds_late)
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

            def handle(self) -> None:
                with suppress(ConnectionError):
                    super().handle()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, body: str) -> tuple[int, bytes]:
        raise NotImplementedError

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


Sample = Callable[[int], float | None]


class FakePrometheus(Server):
    """Answers `query_range` from functions of time, by query and then by label set."""

    def __init__(self) -> None:
        super().__init__()
        self.series: dict[str, list[tuple[Mapping[str, str], Sample]]] = {}

    def answer(self, body: str) -> tuple[int, bytes]:
        form = {name: values[0] for name, values in parse_qs(body).items()}
        times = range(int(form["start"]), int(form["end"]) + 1, int(form["step"]))
        return 200, self.matrix_of(
            [
                (labels, [(t, value) for t in times if (value := sample(t)) is not None])
                for labels, sample in self.series.get(form["query"], [])
            ]
        )

    @staticmethod
    def matrix_of(series: list[tuple[Mapping[str, str], list[tuple[float, float]]]]) -> bytes:
        result = [
            {"metric": dict(labels), "values": [[at, str(value)] for at, value in samples]}
            for labels, samples in series
            if samples
        ]
        answer = {"status": "success", "data": {"resultType": "matrix", "result": result}}
        return json.dumps(answer).encode()


class FakeAlertmanager(Server):
    """Keeps what is posted."""

    def answer(self, body: str) -> tuple[int, bytes]:
        return 200, b""

    @property
    def posts(self) -> list[list[dict[str, Any]]]:
        return [json.loads(body) for body in self.asked]

    @property
    def latest(self) -> dict[str, Any]:
        (alert,) = self.posts[-1]
        return alert

    def is_firing(self, now: float) -> bool:
        return datetime.fromisoformat(self.latest["endsAt"]).timestamp() > now


def usual(time: int) -> float:
    """About 20, never twice the same."""
    return 20 + math.sin(time / 600)


class Watching:
    """Sessions one after the other on one store, stepped by a clock that the test sets."""

    def __init__(
        self, store: Store, prometheus: FakePrometheus, alertmanager: FakeAlertmanager
    ) -> None:
        self.store = store
        self.prometheus = prometheus
        self.alertmanager = alertmanager
        self.now = float(START + 15)
        self.model = PlainModel()
        self.metrics = WatchMetrics()
        self.groups: list[dict[str, Any]] = [
            {
                "name": "shop",
                "service": "checkout",
                "budget_per_week": 2,
                "series": [{"query": "errors", "name": "errors", "unit": "1/s"}],
            }
        ]
        self.options: dict[str, Any] = {}
        self.suggest_runbook = None
        self.session: WatchRunner | None = None

    @property
    def config(self) -> WatchConfig:
        defaults = {
            "prometheus": {"url": self.prometheus.url, "timeout_seconds": 30},
            "alertmanager": {"url": self.alertmanager.url, "timeout_seconds": 30},
            "link": "http://127.0.0.1:8000",
            "step_seconds": STEP,
            "history_days": 0.05,
            "groups": self.groups,
        }
        return WatchConfig.model_validate(defaults | self.options)

    def begin(self) -> WatchRunner:
        config = self.config
        assert config.alertmanager
        self.end()
        self.lease = Lease(self.store.leases, 30)
        self.session = WatchRunner(
            config,
            models={"full": self.model, "light": self.model},
            store=self.store,
            lease=self.lease,
            prometheus=PrometheusClient(
                HttpClient(config.prometheus.url, config.prometheus.timeout_seconds),
                config.max_series,
            ),
            alertmanager=AlertmanagerClient(HttpClient(config.alertmanager.url, 30)),
            writer=AlertWriter(
                prometheus_url=config.prometheus.url,
                step_seconds=STEP,
                link=config.link,
                suggest_runbook=self.suggest_runbook,
            ),
            metrics=self.metrics,
            clock=lambda: self.now,
        )
        return self.session

    def end(self) -> None:
        """Give up the session as a process does that ends, or is killed."""
        if self.session is not None:
            self.session.close()
            self.lease.release()
            self.session = None

    def step(self, minutes: float = 1) -> float:
        """Let time pass, and take the step that is then due, until nothing is left to read."""
        self.now += 60 * minutes
        session = self.session or self.begin()
        while (wait := session.step()) == 0:
            pass
        return wait

    def metric(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)
