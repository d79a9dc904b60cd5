"""Clients that write at a steady rate, and note what was acknowledged."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from itertools import count
from threading import Event, Thread

from .oracle import Kind, Oracle, Write

_CLIENTS = 4
_SECONDS_BETWEEN = 0.08
_LONGEST_ANSWER = 20
_KINDS = (Kind.INCIDENT, Kind.KEYED_INCIDENT, Kind.ALERT, Kind.KEYED_INCIDENT, Kind.FEEDBACK)
_GROUPS = 7


class Writers:
    """Writes to a service; the numbers of writes go on from round to round."""

    def __init__(self, port: int, oracle: Oracle) -> None:
        self._port = port
        self._oracle = oracle
        self._numbers = count()
        self._stopping = Event()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write until the end of the block, whatever happens to the service."""
        self._stopping.clear()
        clients = [Thread(target=self._write_on, daemon=True) for _ in range(_CLIENTS)]
        for client in clients:
            client.start()
        try:
            yield
        finally:
            self._stopping.set()
            for client in clients:
                client.join()

    def send_again(self, seconds: float = 0.0) -> None:
        """Send what was not acknowledged again, for up to these seconds."""
        deadline = time.monotonic() + seconds
        connection = Connection(self._port)
        while True:
            for write in self._oracle.unacknowledged():
                self._send(connection, write)
            if not self._oracle.unacknowledged() or time.monotonic() >= deadline:
                connection.close()
                return
            time.sleep(1)

    def write_once(self) -> bool:
        """Send one incident, and tell whether it was acknowledged."""
        connection = Connection(self._port)
        write = Write(next(self._numbers), Kind.INCIDENT)
        self._send(connection, write)
        connection.close()
        return self._oracle.is_acknowledged(write)

    def _write_on(self) -> None:
        connection = Connection(self._port)
        while not self._stopping.wait(_SECONDS_BETWEEN):
            number = next(self._numbers)
            self._send(connection, Write(number, _KINDS[number % len(_KINDS)]))
        connection.close()

    def _send(self, connection: "Connection", write: Write) -> None:
        path, body, headers = _request(write)
        if write.kind is Kind.FEEDBACK:
            answer = connection.post("/v1/triage", {"incident": {"title": "vpn drops"}}, {})
            if answer is None:
                return
            body |= {"prediction_id": answer["prediction_id"]}
        self._oracle.send(write)
        if connection.post(path, body, headers) is not None:
            self._oracle.acknowledge(write)


class Connection:
    """A connection that stays open, and is opened anew after a failure."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: HTTPConnection | None = None

    def post(
        self, path: str, body: dict[str, object], headers: dict[str, str]
    ) -> dict[str, object] | None:
        """Return the parsed answer if it was a 2xx, else None."""
        if self._open is None:
            self._open = HTTPConnection("127.0.0.1", self._port, timeout=_LONGEST_ANSWER)
        try:
            headers = {"Content-Type": "application/json", **headers}
            self._open.request("POST", path, json.dumps(body), headers)
            response = self._open.getresponse()
            content = response.read()
        except (OSError, HTTPException):
            self.close()
            return None
        if not 200 <= response.status < 300:
            return None
        answer: dict[str, object] = json.loads(content)
        return answer

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._open is not None:
            self._open.close()
            self._open = None


def _request(write: Write) -> tuple[str, dict[str, object], dict[str, str]]:
    if write.kind is Kind.INCIDENT:
        return "/v1/incidents", {"incident": {"id": write.mark, "title": write.mark}}, {}
    if write.kind is Kind.KEYED_INCIDENT:
        headers = {"Idempotency-Key": write.mark}
        return "/v1/incidents", {"incident": {"title": write.mark}}, headers
    if write.kind is Kind.FEEDBACK:
        body = {"target": "category", "action": "accept", "given_by": write.mark}
        return "/v1/feedback", body, {}
    return "/hooks/alertmanager", _delivery(write), {}


def _delivery(write: Write) -> dict[str, object]:
    group = write.number % _GROUPS
    labels = {"alertname": "LatencyHigh", "service": f"shop-{group}", "pod": f"pod-{write.number}"}
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": {"summary": f"slow answers of shop-{group}"},
        "startsAt": "2026-03-02T14:05:00Z",
        "fingerprint": write.mark,
    }
    return {"version": "4", "groupKey": f"group-{group}", "status": "firing", "alerts": [alert]}
