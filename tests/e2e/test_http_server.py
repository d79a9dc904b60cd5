"""The service as a process: it starts, answers, follows promotions under load, and stops."""

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
from typer.testing import CliRunner

from features.home import Home
from models.artifacts.registry import ModelVersion
from serving.__main__ import cli
from training.cli.app import app as training_cli

pytestmark = pytest.mark.quality

ROOT = Path(__file__).parents[2]
PYTHONPATH = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])
START_SECONDS = 90
STOP_SECONDS = 30
FOLLOW_SECONDS = 5


class Server:
    """A running service: its process, address and what it printed."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = process
        self.log = log
        stdout = process.stdout
        assert stdout is not None
        timer = threading.Timer(START_SECONDS, process.kill)
        timer.start()
        self.greeting, self.command = stdout.readline(), stdout.readline()
        timer.cancel()
        assert self.command, log.read_text()
        self.port = int(self.greeting.split("//127.0.0.1:")[1].split()[0])

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, dict]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        return response.status, answer


@pytest.fixture(scope="module")
def serving_home(
    tmp_path_factory: pytest.TempPathFactory,
    three_versions: Home,
    promote: Callable[..., ModelVersion],
) -> Home:
    """A home whose registry has three versions of `category`, of which the first is champion."""
    home = Home(tmp_path_factory.mktemp("serving"))
    shutil.copy(three_versions.root / "mlflow.db", home.root / "mlflow.db")
    promote("category", "1", home=home, tenant="default")
    return home


@contextmanager
def running(home: Path, *command: str) -> Iterator[Server]:
    log = home / "server.log"
    environment = {
        **os.environ,
        "PRECEDENT_HOME": str(home),
        "PRECEDENT_ENCODER": "hashing",
        "PYTHONPATH": PYTHONPATH,
    }
    with (
        log.open("w") as stderr,
        subprocess.Popen(
            [sys.executable, *command, "--port", "0"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        try:
            yield Server(process, log)
        finally:
            process.terminate()
            process.wait(timeout=STOP_SECONDS)


@pytest.fixture(scope="module")
def server(serving_home: Home) -> Iterator[Server]:
    with running(serving_home.root, "-m", "serving_with_toy") as started:
        yield started


def test_it_prints_where_it_answers_and_a_command_that_works(server):
    assert "Precedent answers at http://127.0.0.1:" in server.greeting
    words = shlex.split(server.command)
    if shutil.which(words[0]) is None:
        pytest.skip("curl is not installed")
    printed = subprocess.run(words, capture_output=True, text=True, check=True, timeout=30).stdout
    assert json.loads(printed)["category"]["label"] in {"Network", "Printing"}


def test_it_is_ready_with_the_champion(server):
    status, body = server.ask("GET", "/health/ready")
    assert status == 200
    assert set(body["targets"]) == {"category"}


def test_it_follows_what_its_owner_allows(server, serving_home):
    def allowed():
        status, answer = server.ask("POST", "/v1/triage", {"incident": {"title": "vpn"}})
        assert status == 200
        return answer["category"] and answer["category"]["mode"]

    assert allowed() == "monitor"
    for command, mode in (
        (["auto", "--target", "category"], "auto"),
        (["off", "--target", "category"], None),
        (["monitor"], "monitor"),
    ):
        environment = {"PRECEDENT_HOME": str(serving_home.root)}
        result = CliRunner().invoke(training_cli, ["mode", *command], env=environment)
        assert result.exit_code == 0, result.output
        wait_for(lambda mode=mode: allowed() == mode)


def test_health_answers_while_a_batch_runs(server):
    incidents = [
        {"title": f"vpn {n}", "description": "down since noon " * 200} for n in range(2_000)
    ]
    batch = threading.Thread(
        target=server.ask, args=("POST", "/v1/triage/batch", {"incidents": incidents})
    )
    batch.start()
    waits = []
    while batch.is_alive():
        started = time.monotonic()
        assert server.ask("GET", "/health/live")[0] == 200
        waits.append(time.monotonic() - started)
    assert waits
    assert max(waits) < 2


def test_a_body_far_over_the_limit_gets_its_answer(server):
    status, problem = server.ask("POST", "/v1/triage", {"incident": {"title": "x" * 40_000_000}})
    assert (status, problem["status"]) == (413, 413)


def test_it_logs_json_and_stops_when_told(server):
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(timeout=STOP_SECONDS)
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    request = next(line for line in lines if line.get("path") == "/v1/triage")
    assert {"at", "level", "status", "milliseconds", "request_id"} <= set(request)
    assert not [line for line in lines if line["level"] in {"ERROR", "CRITICAL"}]


def test_several_workers_count_together_and_leave_nothing_behind(tmp_path):
    with running(tmp_path, "-m", "serving", "--workers", "2") as server:
        for _ in range(8):
            assert server.ask("POST", "/v1/triage", {"incident": {}})[0] == 200
        connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
    counted = 'precedent_requests_total{method="POST",route="/v1/triage",status="200"} 8.0'
    assert counted in text
    assert not list((tmp_path / "cache").glob("metrics-*"))


def wait_for(holds, seconds=FOLLOW_SECONDS):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)


def refusal(*arguments: str, **environment: str) -> str:
    result = CliRunner().invoke(cli, arguments, env=environment)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """Keeps what the command sets for its workers inside the test."""
    monkeypatch.setattr(os, "environ", os.environ.copy())
    return {"PRECEDENT_HOME": str(tmp_path)}


def test_an_exposed_address_without_a_key_is_refused(environment):
    assert "PRECEDENT_API_KEY" in refusal("--host", "0.0.0.0", **environment)


def test_a_busy_port_is_refused(environment):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"port {port} (Address already in use)" in refusal("--port", port, **environment)


def test_wrong_settings_are_refused_by_name(environment):
    assert "PRECEDENT_POLL_SECONDS" in refusal(**environment, PRECEDENT_POLL_SECONDS="soon")
    assert "PRECEDENT_WORKERS" in refusal("--workers", "0", **environment)


def test_a_home_that_cannot_be_used_is_refused(environment, tmp_path):
    (tmp_path / "file").touch()
    assert "PRECEDENT_HOME" in refusal(PRECEDENT_HOME=str(tmp_path / "file" / "home"))
    (tmp_path / "precedent.db").write_text("this is no database, only a file with text in it" * 50)
    assert "precedent.db" in refusal(**environment)
