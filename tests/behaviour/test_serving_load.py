"""The load generator of the serving benchmark: whom it charges for a service that stalls."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from serving_load.load import closed_loop, open_loop
from serving_load.process_figures import cpu_seconds, memory_megabytes, open_descriptors
from serving_load.ratios import Target, ratio_of_quantile, ratio_of_sums
from serving_load.soak import Minute, growth

STALL_SECONDS = 0.6


class OneAtATime(BaseHTTPRequestHandler):
    """Answers one request at a time, and is very slow the first time."""

    protocol_version = "HTTP/1.1"
    turn = threading.Lock()
    answered = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        with type(self).turn:
            if not type(self).answered:
                time.sleep(STALL_SECONDS)
            type(self).answered += 1
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    OneAtATime.answered = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), OneAtATime)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_a_stall_is_charged_to_all_calls_that_were_due_meanwhile(port):
    calls = open_loop(port, "/", [b"{}"] * 6, [0.05 * place for place in range(6)])
    assert [call.status for call in calls] == [200] * 6
    late = [call.seconds for call in calls if call.seconds > STALL_SECONDS / 3]
    assert len(late) == 6


def test_clients_in_turn_send_each_body_once(port):
    seconds, answered = closed_loop(port, "/", [b"{}"] * 10, 3)
    assert (answered, OneAtATime.answered) == (10, 10)
    assert seconds >= STALL_SECONDS


def test_a_service_that_is_not_there_answers_nothing():
    assert [call.status for call in open_loop(1, "/", [b"{}"], [0.0])] == [0]


def test_ratios_keep_pairs_together():
    pairs = [(2.0 * size, float(size)) for size in range(1, 9)]
    figure = ratio_of_sums("a", "cost", pairs, Target(most=3))
    assert (figure.value, figure.low, figure.high) == pytest.approx((2, 2, 2))
    segments = [([1.0, 2.0, 3.0], 2.0)] * 4
    assert ratio_of_quantile("b", "p50", segments, 0.5, Target()).value == pytest.approx(1)


def test_figures_of_a_process_are_read():
    own = int(Path("/proc/self").resolve().name)
    assert cpu_seconds(own) > 0
    assert memory_megabytes(own) >= memory_megabytes(own, "Pss") > 1
    assert open_descriptors(own) > 2


def test_a_soak_names_what_grew():
    flat = [Minute(100, 20, 0.1, 0.2, 0)] * 8
    assert growth(flat) == {}
    leaking = [Minute(100 + 3 * at, 20 + 9 * at, 0.1, 0.2, at == 3) for at in range(8)]
    assert set(growth(leaking)) == {"memory", "descriptors", "failed calls"}
