"""Twenty promotions and rollbacks by the API while requests come in: none fails, none is mixed."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path

import pytest

from features.domain.report import Outcome
from features.home import Home
from features.store.store import open_store
from models.artifacts.registry import ModelVersion
from models.artifacts.save_artifact import save_artifact
from training.pipeline.register import register

pytestmark = pytest.mark.quality

ROOT = Path(__file__).parents[2]
PYTHONPATH = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])
MOVES = ["promote", "rollback"] * 10
ASKERS = 5
REQUESTS_PER_SECOND = 50
FOLLOW_SECONDS = 5
NAMES = {"1": "of the first", "2": "of the second"}


@dataclass(frozen=True)
class Answer:
    """What came back: the status, the version that the answer names, and the labels in it."""

    started_at: float
    seconds: float
    status: int
    version: str
    labels: tuple[str, ...]

    @property
    def is_mixed(self) -> bool:
        return any(NAMES[self.version] not in label for label in self.labels)


@pytest.fixture
def two_models(
    tmp_path: Path,
    empty_registry: Path,
    toy_examples: list,
    toy_model,
    toy_card,
    promote: Callable[..., ModelVersion],
) -> Home:
    """A home with two versions of `category` whose every label tells which version it is of."""
    home = Home(tmp_path / "home")
    home.artifacts.mkdir(parents=True)
    shutil.copy(empty_registry, home.root / "mlflow.db")
    for number, name in NAMES.items():
        examples = [
            replace(example, outcome=Outcome(f"{example.outcome.category} {name}"))
            for example in toy_examples
        ]
        folder = tmp_path / f"model{number}"
        save_artifact(type(toy_model)().fit(examples), toy_card, folder)
        register(folder, toy_card, home=home, tenant="default")
    promote("category", "1", home=home, tenant="default")
    return home


@contextmanager
def serving(home: Home) -> Iterator[int]:
    """Run the service, which looks for promotions every second, and give its port."""
    environment = os.environ | {"PRECEDENT_HOME": str(home.root), "PYTHONPATH": PYTHONPATH}
    command = [sys.executable, "-m", "serving_with_toy", "--port", "0"]
    with (
        (home.root / "server.log").open("w") as log,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment | {"PRECEDENT_ENCODER": "hashing", "PRECEDENT_POLL_SECONDS": "1"},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline().split("//127.0.0.1:")[1].split()[0])
        finally:
            process.terminate()
            process.wait(timeout=30)


def ask(connection: HTTPConnection, path: str, body: object) -> tuple[int, dict]:
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


class Load:
    """Asks at a steady rate from several connections, for one incident or for three at once."""

    def __init__(self, port: int) -> None:
        self.answers: list[Answer] = []
        self._port = port
        self._stopping = threading.Event()
        self._askers = [threading.Thread(target=self._keep_asking) for _ in range(ASKERS)]

    def __enter__(self) -> "Load":
        for asker in self._askers:
            asker.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stopping.set()
        for asker in self._askers:
            asker.join()

    def _keep_asking(self) -> None:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=30)
        due, number = time.monotonic(), 0
        while not self._stopping.is_set():
            number += 1
            self.answers.append(self._ask(connection, is_batch=number % 5 == 0))
            due += ASKERS / REQUESTS_PER_SECOND
            time.sleep(max(0, due - time.monotonic()))

    def _ask(self, connection: HTTPConnection, *, is_batch: bool) -> Answer:
        started_at = time.monotonic()
        if is_batch:
            body = {"incidents": [{"title": title} for title in ("vpn", "printer jam", "wifi")]}
            status, answer = ask(connection, "/v1/triage/batch", body)
            triaged = [result["triage"] for result in answer.get("results", [])]
        else:
            status, answer = ask(connection, "/v1/triage", {"incident": {"title": "vpn"}})
            triaged = [answer] if status == 200 else []
        seconds = time.monotonic() - started_at
        versions = {response["models"]["category"]["version"] for response in triaged}
        assert len(versions) == 1, answer
        labels = tuple(response["category"]["label"] for response in triaged)
        return Answer(started_at, seconds, status, versions.pop(), labels)


def seconds_until(load: Load, version: str) -> float:
    """Wait until an answer names the version, and return how long that took."""
    moved_at = time.monotonic()
    while not (load.answers and load.answers[-1].version == version):
        assert time.monotonic() - moved_at < 3 * FOLLOW_SECONDS, f"version {version} never answers"
        time.sleep(0.01)
    return time.monotonic() - moved_at


def test_no_request_fails_or_is_mixed(two_models, capsys):
    pollers, moving = [], []
    with serving(two_models) as port, Load(port) as load:
        seconds_until(load, "1")
        owner = HTTPConnection("127.0.0.1", port, timeout=30)
        began_at = time.monotonic()
        for action in MOVES:
            body = {"given_by": "ana", "reason": "a drill"}
            started_at = time.monotonic()
            status, moved = ask(owner, f"/v1/models/category/{action}", body)
            moving.append(time.monotonic() - started_at)
            assert status == 200, moved
            assert moved["version"] == {"promote": "2", "rollback": "1"}[action]
            pollers.append(seconds_until(load, moved["version"]))
        lasted = time.monotonic() - began_at
    answers = [answer for answer in load.answers if answer.started_at >= began_at]
    waits = sorted(answer.seconds for answer in answers)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{len(answers)} requests ({len(answers) / lasted:.0f}/s), {len(MOVES)} moves: "
            f"slowest follow {max(pollers):.2f} s, slowest move {max(moving):.2f} s, "
            f"waits p50 {1000 * waits[len(waits) // 2]:.0f} ms, "
            f"p99 {1000 * waits[int(0.99 * len(waits))]:.0f} ms\n"
        )
    assert [answer.status for answer in load.answers if answer.status != 200] == []
    assert [answer for answer in load.answers if answer.is_mixed] == []
    assert {answer.version for answer in answers} == {"1", "2"}
    assert len(answers) / lasted > 0.6 * REQUESTS_PER_SECOND
    assert max(pollers) < FOLLOW_SECONDS
    with open_store(two_models.database_url) as store:
        log = store.audit_log.select(target="category")[1:]
    assert [event.action for event in log] == MOVES
    assert {event.actor for event in log} == {"ana"}
