"""Delivers alerts to a running service in an open loop, also while it is killed again and again.

`PYTHONPATH=tests/support python tests/benchmarks/alert_load.py` delivers 5,000 alerts over 60
groups within a minute; `--kills 50` delivers while the service is killed (SIGKILL) at random
moments and started again. An alert that was acknowledged must be in the inbox afterwards.
PRECEDENT_HOME names the home, whose champions answer; its store is copied, so that the home stays
as it is.
"""

import argparse
import random
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import local

import numpy as np
from service_process import ServiceProcess, ask, ask_over

from features.home import HomeSettings

_CONNECTIONS = 32
_LONGEST_ANSWER = 30
_SERVICES = ("payments", "checkout", "search", "mail", "basket", "identity")
_NAMES = ("LatencyHigh", "ErrorsHigh", "DiskAlmostFull", "PodCrashLooping", "QueueStuck")


@dataclass
class Result:
    """What became of the deliveries."""

    sent: int = 0
    acknowledged: set[str] = field(default_factory=set)
    seconds: list[float] = field(default_factory=list)
    found: set[str] = field(default_factory=set)
    answered: int = 0
    incidents: int = 0
    drained_seconds: float = 0.0

    def describe(self) -> str:
        """Return the figures as lines of text."""
        p50, p95, most = np.percentile(self.seconds or [0.0], [50, 95, 100])
        lost = len(self.acknowledged - self.found)
        return (
            f"{self.sent} delivered, {len(self.acknowledged)} acknowledged, {lost} of these lost\n"
            f"acknowledged within p50 {p50 * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms, "
            f"at most {most * 1000:.0f} ms of the time at which each was due\n"
            f"{self.incidents} incidents, {self.answered} with an answer "
            f"{self.drained_seconds:.0f} s after the last delivery"
        )


def delivery(number: int, groups: int) -> dict[str, object]:
    """Return a delivery of one alert, which no other delivery has."""
    group = number % groups
    labels = {
        "alertname": _NAMES[group % len(_NAMES)],
        "service": f"{_SERVICES[group % len(_SERVICES)]}-{group}",
        "severity": "warning" if number % 7 else "critical",
        "pod": f"pod-{number}",
    }
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": {"summary": f"{labels['alertname']} of {labels['service']}"},
        "startsAt": "2026-03-02T14:05:00Z",
        "fingerprint": f"f{number}",
    }
    return {"version": "4", "groupKey": f"group-{group}", "status": "firing", "alerts": [alert]}


def deliver(port: int, count: int, groups: int, seconds: float, first: int = 0) -> Result:
    """Deliver alerts at regular times, whether or not earlier ones were answered."""
    result, connections = Result(), local()
    began = time.monotonic() + 0.2

    def send(index: int) -> None:
        due = began + index * seconds / count
        time.sleep(max(0.0, due - time.monotonic()))
        number = first + index
        connection = getattr(connections, "open", None)
        if connection is None:
            connection = HTTPConnection("127.0.0.1", port, timeout=_LONGEST_ANSWER)
            connections.open = connection
        result.sent += 1
        try:
            status, _ = ask_over(
                connection, "POST", "/hooks/alertmanager", delivery(number, groups)
            )
        except (OSError, HTTPException, ValueError):
            connection.close()
            return
        if status == 200:
            result.acknowledged.add(f"f{number}")
            result.seconds.append(time.monotonic() - due)

    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        list(pool.map(send, range(count)))
    return result


def read_inbox(port: int, result: Result) -> None:
    """Read which alerts the incidents have, and how many incidents are answered."""
    cursor: object = None
    result.incidents = result.answered = 0
    while True:
        path = "/v1/incidents?limit=100" + (f"&cursor={cursor}" if cursor else "")
        _, page = ask(port, "GET", path)
        for entry in page["incidents"]:  # type: ignore[attr-defined]
            _, incident = ask(port, "GET", f"/v1/incidents/{_id_of(entry)}")
            alerts = incident["alerts"]
            if alerts:
                result.incidents += 1
                result.answered += incident["triage"] is not None
                result.found |= {alert["fingerprint"] for alert in alerts}  # type: ignore[attr-defined]
        cursor = page["next"]
        if not cursor:
            return


def _id_of(entry: dict[str, object]) -> object:
    report = entry.get("incident", entry)
    return report["id"] if isinstance(report, dict) else entry["id"]


def wait_until_answered(port: int, result: Result, patience: float = 300.0) -> None:
    """Read the inbox until each incident has an answer."""
    began = time.monotonic()
    while True:
        read_inbox(port, result)
        result.drained_seconds = time.monotonic() - began
        if result.answered == result.incidents or result.drained_seconds > patience:
            return
        time.sleep(1.0)


@contextmanager
def copied_home() -> Iterator[Path]:
    """Yield a copy of the home; MLflow's artifacts stay where they are, because it names them."""
    source = HomeSettings().home.absolute()
    with TemporaryDirectory(prefix="alert-load-") as folder:
        home = Path(folder)
        for name in ("precedent.db", "mlflow.db"):
            if (source / name).exists():
                shutil.copy(source / name, home / name)
        if (source / "cache").is_dir():
            shutil.copytree(source / "cache", home / "cache")
        yield home


def measure_load(deliveries: int, groups: int, seconds: float) -> Result:
    """Deliver in an open loop to one service, and read its inbox at the end."""
    with copied_home() as home:
        service = ServiceProcess(home)
        service.start()
        try:
            result = deliver(service.port, deliveries, groups, seconds)
            wait_until_answered(service.port, result)
        finally:
            service.stop()
    return result


def measure_kills(rounds: int, groups: int, seed: int = 0) -> Result:
    """Kill the service at a random moment of each round, and read the inbox after the last."""
    randomness = random.Random(seed)
    total = Result()
    with copied_home() as home, ThreadPoolExecutor(1) as pool:
        service = ServiceProcess(home)
        for number in range(rounds):
            service.start()
            sending = pool.submit(deliver, service.port, 300, groups, 3.0, number * 300)
            time.sleep(randomness.uniform(0.3, 3.2))
            service.kill()
            part = sending.result()
            total.sent += part.sent
            total.acknowledged |= part.acknowledged
            total.seconds += part.seconds
        service.start()
        try:
            wait_until_answered(service.port, total)
        finally:
            service.stop()
    return total


def main() -> int:
    """Run the measurement that the options name, and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deliveries", type=int, default=5_000)
    parser.add_argument("--groups", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--kills", type=int, default=0)
    options = parser.parse_args()
    if options.kills:
        result = measure_kills(options.kills, options.groups)
    else:
        result = measure_load(options.deliveries, options.groups, options.seconds)
    sys.stdout.write(result.describe() + "\n")
    return int(bool(result.acknowledged - result.found))


if __name__ == "__main__":
    raise SystemExit(main())
