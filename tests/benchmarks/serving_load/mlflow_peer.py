"""Line d: throughput beside MLflow's own serving of the category's model, as code of a commit."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from service_process import REPOSITORY, free_port

from serving_load.bench_home import Bench, triage_bodies
from serving_load.connections import body_of
from serving_load.load import closed_loop, one_by_one
from serving_load.ratios import Figure, Target, ratio_of_sums

PEER_COMMIT = "02c72e2"
_WORK = REPOSITORY / "build" / "serving-load"
_MODEL = "models:/default.category@champion"
_PAIRS, _CALLS, _CLIENTS = 5, 60, 8
_START_SECONDS = 180


def measure_against_mlflow(bench: Bench) -> list[Figure]:
    """Line d: answers a second about the category alone, over those of `mlflow models serve`.

    The peer runs the code of `PEER_COMMIT` with a model that this code trained on the demo.
    """
    checkout = _checkout()
    home = _trained_home(checkout)
    pairs = []
    with _mlflow(checkout, home) as port:
        for _ in range(_PAIRS):
            incidents = bench.reports.take(_CALLS)
            theirs, answered = closed_loop(port, "/invocations", _frames(incidents), _CLIENTS)
            peer = answered / theirs
            bodies = triage_bodies(bench.reports.take(_CALLS), include=["category"])
            ours, answered = closed_loop(bench.service.port, "/v1/triage", bodies, _CLIENTS)
            pairs.append((answered / ours, peer))
    name = "answers a second, category alone, over `mlflow models serve` of its pyfunc"
    note = f"pyfunc of commit {PEER_COMMIT}; {_CLIENTS} clients each, in turn"
    return [ratio_of_sums("d", name, pairs, Target(least=5), note)]


def _frames(incidents: Sequence[dict[str, object]]) -> list[bytes]:
    return [body_of({"dataframe_records": [incident]}) for incident in incidents]


def _checkout() -> Path:
    folder = _WORK / PEER_COMMIT
    if not folder.exists():
        for arguments in (["prune"], ["add", "--detach", str(folder), PEER_COMMIT]):
            subprocess.run(["git", "worktree", *arguments], cwd=REPOSITORY, check=True)
    return folder


def _trained_home(checkout: Path) -> Path:
    home = _WORK / f"home-{PEER_COMMIT}"
    done = home / "trained.json"
    if not done.exists():
        subprocess.run(
            [sys.executable, "-m", "training", "demo"],
            cwd=checkout,
            env=_environment(checkout, home),
            check=True,
        )
        done.write_text(json.dumps({"commit": PEER_COMMIT}))
    return home


@contextmanager
def _mlflow(checkout: Path, home: Path) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", _MODEL]
    command += ["--env-manager", "local", "--port", str(port), "--host", "127.0.0.1"]
    with (
        (_WORK / "mlflow.log").open("w") as log,
        subprocess.Popen(
            command,
            cwd=checkout,
            env=_environment(checkout, home),
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as process,
    ):
        try:
            _wait_until_answered(port)
            yield port
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)


def _wait_until_answered(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    example = _frames([{"title": "VPN down", "description": "no connection"}])
    while True:
        try:
            one_by_one(port, "/invocations", example)
        except RuntimeError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)
        else:
            return


def _environment(checkout: Path, home: Path) -> dict[str, str]:
    return os.environ | {
        "PRECEDENT_HOME": str(home),
        "PYTHONPATH": str(checkout),
        "MLFLOW_TRACKING_URI": f"sqlite:///{home / 'mlflow.db'}",
        # MLflow starts uvicorn by its name.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
