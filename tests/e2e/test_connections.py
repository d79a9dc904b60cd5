"""Silent and slow clients of a real server do not keep others out."""

import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

pytestmark = pytest.mark.quality

ROOT = Path(__file__).parents[2]
SERVER = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (512, 1024))
from serving.__main__ import cli
sys.argv = ["serving", "--port", "0"]
cli()
"""
PROBE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"


@contextmanager
def serving(home: Path, **settings: str) -> Iterator[int]:
    """Yields the port of a server that may open 1,024 files."""
    environment = {
        **os.environ,
        "PRECEDENT_HOME": str(home),
        "PRECEDENT_ENCODER": "hashing",
        "PYTHONPATH": str(ROOT),
        **settings,
    }
    command = [sys.executable, "-c", SERVER]
    with (
        (home / "server.log").open("w") as log,
        subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        assert process.stdout is not None
        try:
            greeting = process.stdout.readline()
            assert greeting, (home / "server.log").read_text()
            yield int(greeting.split("//127.0.0.1:")[1].split()[0])
        finally:
            process.terminate()
            process.wait(timeout=60)


@pytest.fixture(scope="module")
def port(tmp_path_factory) -> Iterator[int]:
    """A server that ends idle connections after two seconds, and slow bodies after three."""
    limits = {"PRECEDENT_IDLE_SECONDS": "2", "PRECEDENT_BODY_SECONDS": "3"}
    with serving(tmp_path_factory.mktemp("connections"), **limits) as answering:
        yield answering


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def seconds_until_closed(connection: socket.socket, send: Callable[[], object]) -> float:
    """Send every half second until the server closes the connection."""
    started = time.monotonic()
    connection.settimeout(0.5)
    while time.monotonic() - started < 30:
        try:
            send()
            if not connection.recv(65_536):
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - started


def test_a_silent_connection_ends(port):
    with connect(port) as silent:
        assert 1.5 < seconds_until_closed(silent, lambda: None) < 10


def test_a_slow_head_ends(port):
    with connect(port) as slow:
        slow.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX: ")
        assert 1.5 < seconds_until_closed(slow, lambda: slow.sendall(b"x")) < 10


def test_an_answered_connection_ends_when_only_line_ends_arrive(port):
    with connect(port) as slow:
        slow.sendall(PROBE)
        assert slow.recv(65_536)
        assert seconds_until_closed(slow, lambda: slow.sendall(b"\r\n")) < 10


def test_a_slow_body_is_answered_408(port):
    with connect(port) as slow:
        head = "POST /v1/triage HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
        slow.sendall(head.encode() + b"{")
        started, answer = time.monotonic(), b""
        slow.settimeout(0.5)
        while b"\r\n\r\n{" not in answer:
            assert time.monotonic() - started < 20
            try:
                slow.sendall(b" ")
                answer += slow.recv(65_536)
            except TimeoutError:
                continue
        assert time.monotonic() - started > 2
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"application/problem+json" in answer
        assert seconds_until_closed(slow, lambda: None) < 5


def test_a_slow_body_that_nobody_reads_ends(port):
    with connect(port) as slow:
        head = "GET /health/live HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
        slow.sendall(head.encode())
        assert seconds_until_closed(slow, lambda: slow.sendall(b" ")) < 15


def test_a_client_that_reads_no_answers_ends(port):
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        deaf.connect(("127.0.0.1", port))
        deaf.settimeout(0.5)
        deaf.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 60)
        started = time.monotonic()
        while time.monotonic() - started < 60:
            try:
                deaf.sendall(b"\r\n")
            except OSError:
                return
            time.sleep(0.5)
        pytest.fail("the server still waits for its client")


def test_a_client_that_sends_without_end_before_it_is_answered_ends(port):
    with connect(port) as hasty:
        hasty.settimeout(60)
        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            hasty.sendall(PROBE * 1_000_000)


def test_two_thousand_silent_connections_keep_nobody_out(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 2_500:
        if hard < 2_500:
            pytest.skip("this system does not allow 2,500 open files")
        resource.setrlimit(resource.RLIMIT_NOFILE, (2_500, hard))
    with serving(tmp_path, PRECEDENT_IDLE_SECONDS="60") as port, ExitStack() as silent:
        for _ in range(2_000):
            silent.enter_context(connect(port))
        for _ in range(5):
            started = time.monotonic()
            client = HTTPConnection("127.0.0.1", port, timeout=30)
            client.request("GET", "/v1/models")
            answer = client.getresponse()
            assert (answer.status, "models" in json.loads(answer.read())) == (200, True)
            client.close()
            assert time.monotonic() - started < 5
        assert "Too many open files" not in (tmp_path / "server.log").read_text()
