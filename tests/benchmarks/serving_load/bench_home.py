"""The home that is measured, the service on it, and the encoder beside it."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from service_process import REPOSITORY, ServiceProcess

from features.encoding.encoder import SentenceEncoder
from features.encoding.encoder_weights import MINILM, open_encoder
from features.home import HomeSettings
from serving_load.connections import body_of
from serving_load.fresh_reports import FreshReports, distinct_texts
from serving_load.load import one_by_one

COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}
"""Modules are compiled once, as pip does when it installs them, also in a checkout."""

QUIET = {"PRECEDENT_LOG_LEVEL": "WARNING", **COMPILED}


@dataclass
class Bench:
    """A running service, reports it has not seen, and the encoder that it uses, in this process."""

    service: ServiceProcess
    reports: FreshReports
    encoder: SentenceEncoder

    def encode(self, incidents: Sequence[dict[str, object]], clock: Callable[[], float]) -> float:
        """Return the seconds of this clock that one encoding of all distinct texts takes."""
        texts = distinct_texts(incidents)
        began = clock()
        self.encoder.compute(texts)
        return clock() - began

    def encode_each(
        self, incidents: Sequence[dict[str, object]], clock: Callable[[], float]
    ) -> float:
        """Return the seconds of this clock to encode the texts of each incident by itself."""
        return sum(self.encode([incident], clock) for incident in incidents)


@contextmanager
def running_bench(home: Path) -> Iterator[Bench]:
    """Serve a copy of a home with the demo's models until the end of the block."""
    with copied_home(home) as copy:
        # The encoder may keep an exported form of its weights in the home.
        os.environ["PRECEDENT_HOME"] = str(copy)
        encoder = open_encoder(MINILM)
        if not isinstance(encoder, SentenceEncoder):
            raise TypeError(f"{MINILM} names no sentence encoder")
        service = ServiceProcess(copy, QUIET)
        try:
            service.start()
            bench = Bench(service, FreshReports(history_of(copy), seed=time.time_ns()), encoder)
            warm_up(bench)
            yield bench
        finally:
            service.stop()


def warm_up(bench: Bench) -> None:
    """Answer and encode a few reports, so that nothing is loaded while it is measured."""
    incidents = bench.reports.take(5)
    one_by_one(bench.service.port, "/v1/triage", triage_bodies(incidents))
    bench.encode_each(incidents, time.process_time)


def triage_bodies(incidents: Sequence[dict[str, object]], **options: object) -> list[bytes]:
    """Return the bodies that ask about each incident."""
    return [body_of({"incident": incident, **options}) for incident in incidents]


def demo_home() -> Path:
    """Return the home that PRECEDENT_HOME names, with the demo's models; trains them if needed.

    The loops over metric series are compiled in it: each copy of a home without them would compile
    them for 15 seconds beside what is measured.
    """
    home = HomeSettings().home.absolute()
    environment = os.environ | {"PRECEDENT_HOME": str(home), "PYTHONPATH": str(REPOSITORY)}
    commands = [["models.timeseries.compile_kernels", str(home)]]
    if not history_of(home).exists():
        commands.insert(0, ["training", "demo"])
    for command in commands:
        whole = [sys.executable, "-m", *command]
        subprocess.run(whole, cwd=REPOSITORY, env=environment, check=True)
    return home


def history_of(home: Path) -> Path:
    """Return the export that the demo learned from."""
    return home / "demo" / "history.jsonl"


@contextmanager
def copied_home(home: Path) -> Iterator[Path]:
    """Yield a copy of a home, which is removed at the end of the block."""
    with TemporaryDirectory(prefix="serving-load-") as folder:
        copy = Path(folder) / "home"
        shutil.copytree(home, copy)
        yield copy
