"""What Prometheus and Alertmanager may do to a client: be down, slow, huge, or talk nonsense."""

import json
import socket
import time
from datetime import UTC, datetime
from threading import Thread

import numpy as np
import pytest

from features.timeseries.time_grid import slots
from serving.runtime.http_client import AnswerTooLarge, HttpClient, RequestFailed
from serving.watch.clients.alertmanager import AlertmanagerClient, OutgoingAlert
from serving.watch.clients.prometheus import PrometheusClient, TooManySeries

TIMES = slots(600, 780, 60)


def client(
    url: str, *, most_bytes: int = 10**6, max_series: int = 10, timeout_seconds: float = 30
) -> PrometheusClient:
    return PrometheusClient(HttpClient(url, timeout_seconds, most_bytes), max_series)


def test_values_come_on_the_grid(prometheus):
    prometheus.series["up"] = [
        ({"__name__": "up", "b": "2", "a": "1"}, lambda t: t / 60),
        ({"__name__": "up", "a": "gone"}, lambda t: None if t > 600 else 1.0),
    ]
    matrix = client(prometheus.url).read("up", TIMES, 60)
    assert list(matrix.labels[0].items()) == [("a", "1"), ("b", "2")]
    np.testing.assert_array_equal(matrix.values, [[10, 11, 12, 13], [1, *[np.nan] * 3]])


def test_irregular_samples_fall_into_their_slots_and_the_last_counts(prometheus):
    samples = [(590.0, 1.0), (599.9, 2.0), (600.0, 3.0), (600.2, 4.0), (780.0, 5.0)]
    prometheus.answer_with = lambda _: (200, prometheus.matrix_of([({}, samples)]))
    matrix = client(prometheus.url).read("up", TIMES, 60)
    np.testing.assert_array_equal(matrix.values, [[3, 4, np.nan, 5]])


def test_what_is_no_usual_number_is_missing(prometheus):
    values = [[600, "NaN"], [660, "+Inf"], [720, "-1e31"], [780, "-1e29"]]
    answer = {"resultType": "matrix", "result": [{"metric": {}, "values": values}]}
    body = json.dumps({"status": "success", "data": answer}).encode()
    prometheus.answer_with = lambda _: (200, body)
    matrix = client(prometheus.url).read("up", TIMES, 60)
    np.testing.assert_array_equal(matrix.values, [[np.nan, np.nan, np.nan, -1e29]])


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (200, b"<html>Welcome</html>", "no JSON: '<html>Welcome</html>'"),
        (200, b"\xff\x00", "no JSON"),
        (200, b"", "no JSON"),
        (200, b"[1, 2]", "no matrix"),
        (200, b'{"status": "success", "data": {"resultType": "vector", "result": []}}', "matrix"),
        (503, b'{"status": "starting"}', "answered 503"),
        (400, b'{"status": "error", "errorType": "bad_data", "error": "parse error"}', "parse err"),
    ],
)
def test_nonsense_is_named(prometheus, status, body, says):
    prometheus.answer_with = lambda _: (status, body)
    with pytest.raises(RequestFailed, match=says) as failed:
        client(prometheus.url).read("up", TIMES, 60)
    assert "\n" not in str(failed.value)


@pytest.mark.parametrize(
    "series",
    [
        "text",
        {"metric": {}},
        {"metric": [], "values": []},
        {"metric": {}, "values": [[600]]},
        {"metric": {}, "values": [[600, "seven"]]},
        {"metric": {}, "values": [["noon", "7"]]},
        {"metric": {}, "values": [[1e300, "7"]]},
        {"metric": {}, "values": [[None, "7"]]},
        {"metric": {}, "values": [[60, "7"]]},
        {"metric": {}, "values": {"600": "7"}},
    ],
)
def test_series_of_a_wrong_form_are_named(prometheus, series):
    answer = {"resultType": "matrix", "result": [series]}
    body = json.dumps({"status": "success", "data": answer}).encode()
    prometheus.answer_with = lambda _: (200, body)
    with pytest.raises(RequestFailed, match="unknown form"):
        client(prometheus.url).read("up", TIMES, 60)


def test_too_many_series_are_refused(prometheus):
    prometheus.series["up"] = [({"n": str(n)}, lambda _: 1.0) for n in range(11)]
    with pytest.raises(TooManySeries, match="selects 11 series, more than the 10 allowed"):
        client(prometheus.url).read("up", TIMES, 60)


def test_series_that_differ_only_in_name_are_refused(prometheus):
    prometheus.series["a or b"] = [({"__name__": name}, lambda _: 1.0) for name in "ab"]
    with pytest.raises(RequestFailed, match="differ only in name"):
        client(prometheus.url).read("a or b", TIMES, 60)


def test_an_answer_without_end_is_cut_off(prometheus):
    prometheus.answer_with = lambda _: (200, b"x" * 2_000_000)
    with pytest.raises(AnswerTooLarge, match="more than 1,000,000 bytes"):
        client(prometheus.url).read("up", TIMES, 60)


def test_a_slow_server_is_not_waited_for(prometheus):
    prometheus.seconds_late = 2
    started = time.monotonic()
    with pytest.raises(RequestFailed, match="not answer within"):
        client(prometheus.url, timeout_seconds=0.4).read("up", TIMES, 60)
    assert time.monotonic() - started < 1.5


def test_a_server_that_trickles_is_not_waited_for():
    listener = socket.create_server(("127.0.0.1", 0))

    def trickle() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            try:
                while True:
                    connection.sendall(b"x")
                    time.sleep(0.05)
            except OSError:
                return

    Thread(target=trickle, daemon=True).start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    started = time.monotonic()
    with listener, pytest.raises(RequestFailed, match="not answer within"):
        client(url, timeout_seconds=0.4).read("up", TIMES, 60)
    assert time.monotonic() - started < 1.5


def test_a_server_that_is_down_is_named_without_its_password(prometheus):
    port = prometheus.url.rpartition(":")[2]
    prometheus.close()
    with pytest.raises(RequestFailed, match=f"http://127.0.0.1:{port} does not answer") as failed:
        client(f"http://me:secret@127.0.0.1:{port}").read("up", TIMES, 60)
    assert "secret" not in str(failed.value)


def test_alertmanager_gets_times_and_labels(alertmanager):
    at = datetime(2026, 3, 1, 14, 2, tzinfo=UTC)
    AlertmanagerClient(HttpClient(alertmanager.url, 30)).post(
        [OutgoingAlert({"alertname": "A"}, {"summary": "s"}, at, at, "http://p")]
    )
    assert alertmanager.latest == {
        "labels": {"alertname": "A"},
        "annotations": {"summary": "s"},
        "startsAt": "2026-03-01T14:02:00+00:00",
        "endsAt": "2026-03-01T14:02:00+00:00",
        "generatorURL": "http://p",
    }


def test_alertmanager_may_refuse(alertmanager):
    alertmanager.answer_with = lambda _: (400, b'"bad label"')
    with pytest.raises(RequestFailed, match="refused alerts with 400: '\"bad label\"'"):
        AlertmanagerClient(HttpClient(alertmanager.url, 30)).post([])


def compact(series: list[tuple[dict, list]]) -> bytes:
    """An answer as Prometheus writes it, long enough to be read in compiled code."""
    result = [
        {
            "metric": labels | {"filler": "x" * 2**20},
            "values": [[at, str(value)] for at, value in samples],
        }
        for labels, samples in series
    ]
    answer = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    return json.dumps(answer, separators=(",", ":")).encode()


def test_a_large_answer_is_read_as_a_small_one(prometheus):
    series = [
        ({"a": '"values":[[60,"1"]]'}, [(600.0, 1.5), (720.0, "NaN")]),
        ({"a": "2"}, [(590.0, 1), (600.2, "1e-05"), (780, 3)]),
    ]
    prometheus.answer_with = lambda _: (200, compact(series))
    matrix = client(prometheus.url, most_bytes=10**8).read("up", TIMES, 60)
    assert [labels["a"] for labels in matrix.labels] == ['"values":[[60,"1"]]', "2"]
    np.testing.assert_array_equal(
        matrix.values, [[1.5, np.nan, np.nan, np.nan], [1, 1e-05, np.nan, 3]]
    )


@pytest.mark.parametrize(
    ("labels", "samples", "says"),
    [
        ({}, [(0, 1)], "an unknown form"),
        ({}, [(600, "one")], "an unknown form"),
        ({"values": "x"}, [(600, 1)], None),
    ],
)
def test_a_large_answer_of_another_form_is_read_in_full(prometheus, labels, samples, says):
    prometheus.answer_with = lambda _: (200, compact([(labels, samples)]))
    reading = client(prometheus.url, most_bytes=10**8)
    if says is None:
        assert reading.read("up", TIMES, 60).values[0, 0] == 1
    else:
        with pytest.raises(RequestFailed, match=says):
            reading.read("up", TIMES, 60)


def test_a_large_series_without_samples_is_named(prometheus):
    whole = compact([({"a": "1"}, [(600, 1)]), ({"a": "2"}, [(600, 1)])])
    start, _, end = whole.rpartition(b',"values":[[600,"1"]]')
    prometheus.answer_with = lambda _: (200, start + end)
    with pytest.raises(RequestFailed, match="an unknown form"):
        client(prometheus.url, most_bytes=10**8).read("up", TIMES, 60)
