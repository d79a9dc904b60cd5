"""The command as a process: it refuses in one line, says where its metrics are, and stops."""

import os
import signal
import socket
import threading
import time
from contextlib import suppress
from urllib.request import urlopen

import pytest
import yaml
from typer.testing import CliRunner

from features.store.store import open_store
from serving.__main__ import cli


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "environ", os.environ | {"PRECEDENT_HOME": str(tmp_path / "home")})
    return tmp_path / "home"


def write(folder, prometheus="http://127.0.0.1:9", **others):
    series = {"query": "errors", "name": "errors"}
    usual = {
        "prometheus": {"url": prometheus, "timeout_seconds": 1},
        "metrics": {"port": 0},
        "step_seconds": 1,
        "history_days": 0.01,
        "groups": [{"name": "shop", "series": [series]}],
    }
    file = folder / "watch.yaml"
    file.write_text(yaml.safe_dump(usual | others))
    return file


def refusal(*arguments):
    result = CliRunner().invoke(cli, ["watch", *map(str, arguments)])
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_a_file_that_cannot_be_used_is_refused(home, tmp_path):
    assert "No such file" in refusal("--config", tmp_path / "none.yaml")
    assert "unknown key 'step'" in refusal("--config", write(tmp_path, step=1))


def test_a_taken_port_is_refused(home, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = refusal("--config", write(tmp_path, metrics={"port": port}))
    assert f"cannot listen on 127.0.0.1 port {port} (Address already in use)" in message


def test_a_home_that_cannot_be_used_is_refused(home, tmp_path):
    home.touch()
    assert "PRECEDENT_HOME" in refusal("--config", write(tmp_path))


def test_a_variable_that_is_no_setting_is_named_once(home, tmp_path):
    os.environ["PRECEDENT_PROT"] = "a secret"
    home.touch()
    result = CliRunner().invoke(cli, ["watch", "--config", str(write(tmp_path))])
    warning, error = result.stderr.splitlines()
    assert warning == "warning: PRECEDENT_PROT is not a setting; did you mean PRECEDENT_PORT?"
    assert error.startswith("error: ")


def test_options_of_the_service_are_refused_beside_a_command(home, tmp_path):
    result = CliRunner().invoke(cli, ["--port", "1", "watch", "--config", str(write(tmp_path))])
    assert result.exit_code == 2
    assert "--host, --port and --workers come without a command" in result.stderr


def test_both_ways_are_in_the_help():
    result = CliRunner().invoke(cli, ["--help"])
    assert result.exit_code == 0
    assert "--workers" in result.stdout
    assert "watch" in result.stdout


@pytest.fixture(autouse=True)
def undisturbed(monkeypatch):
    """Leaves the test's own logging and signals as they were."""
    monkeypatch.setattr("logging.config.dictConfig", lambda _: None)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_watches_shows_its_metrics_and_stops(home, tmp_path, prometheus, number):
    prometheus.series["errors"] = [({"instance": "a"}, lambda t: float(t % 7))]
    port = free_port()
    config = write(tmp_path, prometheus.url, metrics={"port": port})
    wanted = 'precedent_anomaly_score{group="shop",series="errors{instance=\\"a\\"}"'
    seen = []

    def look_and_stop() -> None:
        try:
            seen.append(wait_for(port, wanted))
        finally:
            os.kill(os.getpid(), number)

    looking = threading.Thread(target=look_and_stop)
    looking.start()
    result = CliRunner().invoke(cli, ["watch", "--config", str(config)])
    looking.join()
    assert seen == [True]
    assert result.exit_code == 0
    where = f"http://127.0.0.1:{port}/metrics"
    assert result.stdout == f"Precedent watches 1 query; its metrics: {where}\n"
    with open_store(f"sqlite:///{home / 'precedent.db'}") as store:
        assert store.leases.take("watch", "another", 1)
        assert len(store.series_states.of_watch("watch")) == 1


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_for(port: int, wanted: str, seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            if wanted in answer.read().decode():
                return True
        time.sleep(0.05)
    return False
