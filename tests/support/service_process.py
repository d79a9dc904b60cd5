"""A process that serves a home on a fixed port, for tests and benchmarks that need a real one."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
_LONGEST_ANSWER = 30
_END_SECONDS = 60


class ServiceProcess:
    """Serves a home on a port that stays the same when the process is started again.

    `settings` are environment variables beyond those of this process, and `wrapper` is a command
    that runs the service, such as `("nice",)`. `checkout` is the folder of the code.
    """

    def __init__(
        self,
        home: Path,
        settings: Mapping[str, str] | None = None,
        *,
        wrapper: Sequence[str] = (),
        checkout: Path = REPOSITORY,
    ) -> None:
        self.port = free_port()
        self.home = home
        self._settings = dict(settings or {})
        self._wrapper = tuple(wrapper)
        self._checkout = checkout
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What the process wrote, beside the home: the home may be removed or read-only."""
        return self.home.with_name(f"{self.home.name}-server.log")

    @property
    def pid(self) -> int:
        """The number of the process."""
        if self._process is None:
            raise RuntimeError("the service was not started")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def launch(self) -> None:
        """Start the process, and return at once."""
        environment = os.environ | {
            "PRECEDENT_HOME": str(self.home),
            "PYTHONPATH": str(self._checkout),
            **self._settings,
        }
        command = [*self._wrapper, sys.executable, "-m", "serving", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self._checkout, env=environment, stdout=log, stderr=log
            )

    def start(self, seconds: float = 600.0) -> None:
        """Start the process, and wait until its champions answer and its indexes are built."""
        self.launch()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.is_running:
            with suppress(OSError, HTTPException, ValueError):
                status, body = ask(self.port, "GET", "/health/ready")
                if status == 200 and not body["problems"]:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"the service did not start; see {self.log}")

    def kill(self) -> None:
        """Kill the process without a warning."""
        self._end(signal.SIGKILL)

    def stop(self) -> float:
        """Let the process end in its own time, and return the seconds that it took."""
        began = time.monotonic()
        self._end(signal.SIGTERM)
        return time.monotonic() - began

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def free_port() -> int:
    """Return the number of a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(port: int, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
    """Send one request over a connection of its own."""
    connection = HTTPConnection("127.0.0.1", port, timeout=_LONGEST_ANSWER)
    try:
        return ask_over(connection, method, path, body)
    finally:
        connection.close()


def ask_over(
    connection: HTTPConnection, method: str, path: str, body: object = None
) -> tuple[int, dict[str, Any]]:
    """Send one request over an open connection, and return the status and the parsed answer."""
    content = None if body is None else json.dumps(body)
    connection.request(method, path, content, {"Content-Type": "application/json"})
    response = connection.getresponse()
    return response.status, json.loads(response.read() or b"{}")
