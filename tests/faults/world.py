"""A small trained home that every fault begins with, and what a fault did to it."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from random import Random

from service_process import REPOSITORY, ServiceProcess, ask

from features.home import Home
from training.demo.export import write_history, write_mapping
from training.demo.incidents import generate_company

from .oracle import Oracle, Tally
from .writers import Writers

SETTINGS = {
    "PRECEDENT_ENCODER": "hashing",
    "PRECEDENT_LOG_LEVEL": "WARNING",
    "PRECEDENT_POLL_SECONDS": "0.5",
    "OMP_NUM_THREADS": "1",
}
_INCIDENTS = 300
_SETTLE_SECONDS = 75
_RECOVERY_SECONDS = 45


class Unavailable(Exception):
    """This machine cannot cause a fault; the message says why."""


@dataclass
class Outcome:
    """What a fault did: lost and doubled writes, and whatever else went wrong."""

    fault: str
    rounds: int = 0
    writes: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    remark: str = ""

    def add(self, tally: Tally) -> None:
        """Add what one oracle found."""
        self.writes += tally.writes
        self.lost += tally.lost
        self.doubled += tally.doubled

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, nothing was doubled, and nothing else went wrong."""
        return not (self.lost or self.doubled or self.failures)


class World:
    """A folder with a trained home, whose path stays: artifacts may be named by it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.history = folder / "history.jsonl"
        self.mapping = folder / "mapping.yaml"
        self._template = folder / "template"

    def train(self) -> None:
        """Train the home's models by the command that people use, unless the folder has them."""
        if self._template.exists():
            return
        company = generate_company(
            end=datetime.now(UTC).replace(second=0, microsecond=0), incidents=_INCIDENTS
        )
        write_history(company, self.history)
        write_mapping(self.mapping)
        with (self.folder / "training.log").open("w") as log:
            subprocess.run(
                self.train_command,
                env=self.environment,
                cwd=REPOSITORY,
                stdout=log,
                stderr=log,
                check=True,
            )
        shutil.copytree(self.home, self._template)

    @property
    def train_command(self) -> list[str]:
        """The command that trains on the home's history."""
        command = [sys.executable, "-m", "training", "train", "--target", "category"]
        options = ["--force-promote", "--history", str(self.history)]
        return [*command, *options, "--mapping", str(self.mapping)]

    @property
    def environment(self) -> dict[str, str]:
        """The environment of commands in the home."""
        return (
            os.environ
            | SETTINGS
            | {
                "PRECEDENT_HOME": str(self.home),
                "PYTHONPATH": str(REPOSITORY),
            }
        )

    @property
    def database_url(self) -> str:
        """The URL of the home's own store."""
        return Home(self.home).database_url

    @property
    def template_bytes(self) -> int:
        """The size of the trained home."""
        return sum(file.stat().st_size for file in self._template.rglob("*") if file.is_file())

    def restore(self) -> None:
        """Put the trained home back as it was."""
        if self.home.is_mount():
            for entry in self.home.iterdir():
                remove_folder(entry) if entry.is_dir() else entry.unlink()
        else:
            remove_folder(self.home)
        shutil.copytree(self._template, self.home, dirs_exist_ok=True)

    @contextmanager
    def serving(
        self, settings: Mapping[str, str] | None = None, wrapper: Sequence[str] = ()
    ) -> Iterator[ServiceProcess]:
        """Serve the home until the end of the block."""
        service = ServiceProcess(self.home, SETTINGS | dict(settings or {}), wrapper=wrapper)
        try:
            service.start()
            yield service
        finally:
            service.kill()


@dataclass
class Trial:
    """One service under one fault, its writers and their oracle."""

    service: ServiceProcess
    random: Random
    outcome: Outcome
    oracle: Oracle
    writers: Writers

    @classmethod
    def on(cls, service: ServiceProcess, random: Random, outcome: Outcome) -> "Trial":
        """Return a trial whose oracle knows no writes yet."""
        oracle = Oracle()
        return cls(service, random, outcome, oracle, Writers(service.port, oracle))

    def pause(self, least: float, most: float) -> None:
        """Wait for a random time in seconds."""
        time.sleep(self.random.uniform(least, most))

    def expect_writes(self) -> None:
        """Note a failure unless the service acknowledges writes again, without a new start."""
        if not soon(self.writers.write_once, _RECOVERY_SECONDS):
            self.outcome.failures.append(f"no write within {_RECOVERY_SECONDS} s after the fault")

    def settle(self, database_url: str) -> None:
        """Send what was not acknowledged until it is, and add what the store then holds."""
        self.writers.send_again(_SETTLE_SECONDS)
        self.service.kill()
        self.outcome.add(self.oracle.compare(database_url))


def answers(service: ServiceProcess, path: str = "/health/live") -> bool:
    """Return whether the service answers with 200."""
    try:
        return ask(service.port, "GET", path)[0] == 200
    except (OSError, HTTPException, ValueError):
        return False


def remove_folder(folder: Path) -> None:
    """Remove a folder, also if a process still writes into it; none remains after a minute."""

    def is_removed() -> bool:
        shutil.rmtree(folder, ignore_errors=True)
        return not folder.exists()

    if not soon(is_removed, 60):
        raise OSError(f"{folder} cannot be removed")


def soon(is_done: Callable[[], bool], seconds: float) -> bool:
    """Return whether something is done within so many seconds."""
    deadline = time.monotonic() + seconds
    while not is_done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True
