"""The service runs `precedent maintain` in a process of its own, once for all workers."""

import logging
import subprocess
import sys
import threading
import time

import pytest

from serving.background import maintenance
from serving.background.maintenance import COMMAND, LEASE, MaintenanceRunner
from serving.runtime.settings import ServingSettings


@pytest.fixture
def command(monkeypatch):
    """Replaces the command by a program."""

    def replace(program):
        monkeypatch.setattr(maintenance, "COMMAND", (sys.executable, "-c", program))

    return replace


@pytest.fixture
def runner(store, tmp_path):
    """Makes the runner of one worker."""
    settings = ServingSettings(home=tmp_path / "home", tenant="acme", maintain_hours=2)
    return lambda: MaintenanceRunner(settings, store)


def test_one_worker_runs_it_and_logs_its_message(runner, command, caplog, tmp_path):
    command("import os; print(os.environ['PRECEDENT_HOME'], os.environ['PRECEDENT_TENANT'])")
    with caplog.at_level(logging.INFO, "serving"):
        for worker in (runner(), runner()):
            worker.poll()
            worker.poll()
    (record,) = caplog.records
    assert record.fields == {"report": f"{tmp_path / 'home'} acme", "exit_code": 0}


def test_a_failure_is_logged_with_its_error(runner, command, caplog):
    command("import sys; print('1 alarm'); sys.exit('loading\\nerror: the store is busy')")
    runner().poll()
    (record,) = caplog.records
    assert (record.levelname, record.message) == ("WARNING", "maintenance failed")
    expected = {"report": "1 alarm", "exit_code": 1, "error": "error: the store is busy"}
    assert record.fields == expected


def test_stopping_ends_the_command_and_leaves_the_run_to_others(runner, command, caplog, store):
    command("import time; time.sleep(60)")
    worker = runner()
    worker.start()
    deadline = time.monotonic() + 60
    while store.leases.holder(LEASE) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert store.leases.holder(LEASE) is not None
    worker.stop()
    assert store.leases.holder(LEASE) is None
    assert "maintenance" not in {thread.name for thread in threading.enumerate()}
    assert caplog.records == []


def test_the_command_exists():
    result = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=False)
    assert (result.returncode, "--retrain-days" in result.stdout) == (0, True), result.stderr


@pytest.mark.parametrize(("hours", "is_run"), [(0, False), (2, True)])
def test_it_is_off_by_default(app_of, registry, hours, is_run):
    pollers = app_of(registry, maintain_hours=hours).state.container.pollers
    assert any(isinstance(poller, MaintenanceRunner) for poller in pollers) is is_run
    assert ServingSettings().maintain_hours == 0
