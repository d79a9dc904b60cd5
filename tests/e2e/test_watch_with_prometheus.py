"""The whole way with the real servers: a metric goes wrong, people hear of it, and it is over."""

import json
import math
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROGRAMS = ("prometheus", "promtool", "prometheus-alertmanager")
MISSING = [name for name in PROGRAMS if shutil.which(name) is None]

pytestmark = [
    pytest.mark.quality,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]

STEP_SECONDS = 2
HISTORY_DAYS = 5.2
TROUBLE = 400.0
SERIES = 'errors{instance="checkout",job="shop"}'
DISK = 'disk{instance="checkout",job="shop"}'


def used(at: float, full_at: float) -> float:
    """Return the used share of a disk that fills by 2% an hour, in percent."""
    return 90 - 2 * (full_at - at) / 3_600


def usual(at: float) -> float:
    """About twenty errors, more by day than by night, and never quite the same."""
    noise = math.sin(at * 12.9898) * 43758.5453
    return 20 + 5 * math.sin(at * math.tau / 86_400) + 4 * (noise - math.floor(noise)) - 2


class Exporter:
    """A service that tells how many errors it has; `trouble` comes on top."""

    def __init__(self) -> None:
        self.trouble = 0.0
        self.full_at = time.time() + 3 * 3_600
        exporter = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                value = usual(time.time()) + exporter.trouble
                disk = used(time.time(), exporter.full_at)
                lines = f"# TYPE errors gauge\nerrors {value}\n# TYPE disk gauge\ndisk {disk}\n"
                content = lines.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Company:
    """Everything that runs, where it answers, and where it logs."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack
        self.exporter = Exporter()
        stack.callback(self.exporter.close)
        self.prometheus = f"http://127.0.0.1:{free_port()}"
        self.alertmanager = f"http://127.0.0.1:{free_port()}"
        self.metrics_port = free_port()
        self.page = ""

    def start(self) -> None:
        serving = self._run("serving", sys.executable, "-m", "serving", "--port", "0")
        self._write_history()
        self._start_prometheus()
        assert serving.stdout is not None
        greeting = serving.stdout.readline()
        assert "Precedent answers at" in greeting, self.logs()
        self.page = greeting.split()[3]
        self._start_alertmanager()
        wait_for(lambda: get(f"{self.prometheus}/-/ready"), self)
        wait_for(lambda: get(f"{self.alertmanager}/-/ready"), self)
        self.start_watch({"query": "errors", "name": "errors", "bounds": [0, None]})

    def logs(self) -> str:
        return "\n".join(
            f"--- {log.name}\n{log.read_text()[-3_000:]}" for log in self.folder.glob("*.log")
        )

    def firing(self) -> list[dict]:
        return json.loads(get(f"{self.alertmanager}/api/v2/alerts"))

    def _run(self, name: str, *command: str) -> subprocess.Popen[str]:
        return self._stack.enter_context(running(self.folder / f"{name}.log", *command))

    def _write_history(self) -> None:
        now = int(time.time())
        file = self.folder / "history.txt"
        times = range(now - int(HISTORY_DAYS * 86_400), now, STEP_SECONDS)
        with file.open("w") as lines:
            lines.write("# TYPE errors gauge\n")
            lines.writelines(f"{SERIES} {usual(at):.3f} {at}\n" for at in times)
            lines.write("# TYPE disk gauge\n")
            full_at = self.exporter.full_at
            lines.writelines(f"{DISK} {used(at, full_at):.3f} {at}\n" for at in times[::30])
            lines.write("# EOF\n")
        command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "-q"]
        subprocess.run([*command, str(file), str(self.folder / "tsdb")], check=True, timeout=60)

    def _start_prometheus(self) -> None:
        target = {"targets": [self.exporter.address], "labels": {"instance": "checkout"}}
        scraping = {"job_name": "shop", "scrape_interval": "1s", "static_configs": [target]}
        config = self._write("prometheus.yml", {"scrape_configs": [scraping]})
        self._run(
            "prometheus",
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={self.folder / 'tsdb'}",
            "--storage.tsdb.retention.time=30d",
            f"--web.listen-address={self.prometheus.removeprefix('http://')}",
        )

    def _start_alertmanager(self) -> None:
        route = {
            "receiver": "precedent",
            "group_by": ["..."],
            "group_wait": "1s",
            "group_interval": "1s",
        }
        hook = {"url": f"{self.page}/hooks/alertmanager", "send_resolved": True}
        receivers = [{"name": "precedent", "webhook_configs": [hook]}]
        config = self._write("alertmanager.yml", {"route": route, "receivers": receivers})
        self._run(
            "alertmanager",
            "prometheus-alertmanager",
            f"--config.file={config}",
            f"--storage.path={self.folder / 'alerts'}",
            f"--web.listen-address={self.alertmanager.removeprefix('http://')}",
            "--cluster.listen-address=",
        )

    def start_watch(self, series: dict[str, object]) -> None:
        config = self._write(
            "watch.yaml",
            {
                "prometheus": {"url": self.prometheus},
                "alertmanager": {"url": self.alertmanager},
                "link": self.page,
                "metrics": {"port": self.metrics_port},
                "step_seconds": STEP_SECONDS,
                "history_days": HISTORY_DAYS,
                "groups": [
                    {
                        "name": "shop",
                        "service": "checkout",
                        "series": [series],
                    }
                ],
            },
        )
        self.watch = self._run(
            "watch", sys.executable, "-m", "serving", "watch", "--config", str(config)
        )

    def _write(self, name: str, content: object) -> Path:
        file = self.folder / name
        file.write_text(yaml.safe_dump(content))
        return file


@contextmanager
def running(log: Path, *command: str) -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {
        "PRECEDENT_HOME": str(log.parent / "home"),
        "PRECEDENT_ENCODER": "hashing",
        "PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT)),
    }
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=30)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with ExitStack() as stack:
        started = Company(tmp_path_factory.mktemp("company"), stack)
        started.start()
        yield started


def test_trouble_becomes_an_incident_and_is_resolved_when_it_is_over(company):
    metrics = f"http://127.0.0.1:{company.metrics_port}/metrics"
    score = 'precedent_anomaly_score{group="shop"'
    wait_for(lambda: score in get(metrics), company)
    time.sleep(STEP_SECONDS)
    assert not company.firing()
    assert "precedent_watch_firing 0.0" in get(metrics)

    company.exporter.trouble = TROUBLE
    wait_for(lambda: company.firing(), company)
    (alert,) = company.firing()
    assert alert["labels"] == {
        "alertname": "PrecedentAnomaly",
        "group": "shop",
        "service": "checkout",
        "series": SERIES,
        "severity": "warning",
    }
    summary = alert["annotations"]["summary"]
    assert summary.startswith(f"{SERIES} is up by ")

    wait_for(lambda: "errors{instance=" in get(f"{company.page}/?state=open"), company)
    wait_for(lambda: "/incidents/" in get(alert["annotations"]["link"]), company)
    (incident,) = set(re.findall(r'href="(/incidents/[^"#?]+)', get(f"{company.page}/")))
    wait_for(lambda: "<svg" in get(company.page + incident), company)

    company.exporter.trouble = 0.0
    wait_for(lambda: "errors{instance=" in get(f"{company.page}/?state=resolved"), company)
    assert "errors{instance=" not in get(f"{company.page}/?state=open")
    assert 'precedent_watch_notifications_total{group="shop"} 1.0' in get(metrics)

    company.watch.terminate()
    assert company.watch.wait(timeout=20) == 0
    assert "Traceback" not in company.logs()


def test_a_disk_that_fills_is_warned_of_before_it_is_full(company):
    company.start_watch({"query": "disk", "name": "disk", "unit": "%", "level": 90})

    def warnings() -> list[dict]:
        alerts = company.firing()
        name = "PrecedentBreachForecast"
        return [alert for alert in alerts if alert["labels"]["alertname"] == name]

    wait_for(warnings, company)
    (alert,) = warnings()
    assert alert["labels"]["series"] == DISK
    assert alert["annotations"]["summary"].startswith(f"{DISK} will probably reach 90 % about")
    assert "will probably" in get(f"{company.page}/")
    company.watch.terminate()
    assert company.watch.wait(timeout=20) == 0
    assert "Traceback" not in company.logs()


def get(address: str) -> str:
    with suppress(OSError), urlopen(address, timeout=5) as answer:
        return answer.read().decode()
    return ""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_for(holds: Callable[[], object], company: Company, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s\n{company.logs()}"
        time.sleep(0.2)
