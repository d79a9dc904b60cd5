"""Disks that are full, read-only or refuse writes, and a home or a store that is gone."""

import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

from .world import Outcome, Trial, Unavailable, World, answers, remove_folder, soon

_REMOUNT_SECONDS = 90.0
_LITTLE_BYTES, _BYTES_OF_ROUND, _ENOUGH_BYTES = 6 * 2**20, 2**19, 64 * 2**20


def full_disk(world: World, rounds: int, random: Random, outcome: Outcome) -> None:
    """Fill the disk of the home while clients write, sometimes kill the server, and free it."""
    # What is acknowledged in one round must not fill the disk of the next.
    free_bytes = _LITTLE_BYTES + rounds * _BYTES_OF_ROUND
    with _own_disk(world, free_bytes), world.serving() as service:
        trial = Trial.on(service, random, outcome)
        for number in range(rounds):
            with trial.writers.writing():
                trial.pause(0.2, 1.5)
                _fill(world.home / "filler")
                trial.pause(0.5, 2.0)
                if number % 3 == 2:
                    service.kill()
                (world.home / "filler").unlink()
            if not service.is_running:
                service.start()
            trial.expect_writes()
            outcome.rounds += 1
        trial.settle(world.database_url)


def read_only_disk(world: World, rounds: int, random: Random, outcome: Outcome) -> None:
    """Start on a disk that is read-only: nothing may be acknowledged, and nothing damaged."""
    with _own_disk(world, _ENOUGH_BYTES), world.serving() as service:
        trial = Trial.on(service, random, outcome)
        for _ in range(rounds):
            with trial.writers.writing():
                trial.pause(0.3, 1.0)
                service.kill()
            _remount(world.home, "ro")
            service.launch()
            with trial.writers.writing():
                trial.pause(3.0, 12.0)
            service.kill()
            _remount(world.home, "rw")
            service.start()
            trial.writers.send_again()
            outcome.rounds += 1
        trial.settle(world.database_url)


def failing_writes(world: World, rounds: int, random: Random, outcome: Outcome) -> None:
    """Let every write to a file fail for a while, as on a disk that became read-only."""
    with world.serving() as service:
        trial = Trial.on(service, random, outcome)
        usual = resource.prlimit(service.pid, resource.RLIMIT_FSIZE)
        for _ in range(rounds):
            with trial.writers.writing():
                trial.pause(0.2, 1.5)
                resource.prlimit(service.pid, resource.RLIMIT_FSIZE, (0, usual[1]))
                trial.pause(0.5, 2.0)
                resource.prlimit(service.pid, resource.RLIMIT_FSIZE, usual)
            if not service.is_running:
                outcome.failures.append("the server ended when a write failed")
                service.start()
            trial.expect_writes()
            outcome.rounds += 1
        trial.settle(world.database_url)


def removed_home(world: World, rounds: int, random: Random, outcome: Outcome) -> None:
    """Remove the home under a running server: what is acknowledged from then on must be kept."""
    for _ in range(rounds):
        with world.serving() as service:
            trial = Trial.on(service, random, outcome)
            kept = world.folder / "kept"
            shutil.copytree(world.home, kept)
            remove_folder(world.home)
            with trial.writers.writing():
                trial.pause(1.0, 2.0)
            if answers(service, "/health/ready"):
                outcome.failures.append("ready although the home is gone")
        remove_folder(world.home)
        kept.rename(world.home)
        outcome.add(trial.oracle.compare(world.database_url))
        outcome.rounds += 1


def replaced_store(world: World, rounds: int, random: Random, outcome: Outcome) -> None:
    """Replace the store by another file, which must hold what is acknowledged from then on."""
    for _ in range(rounds):
        with world.serving() as service:
            trial = Trial.on(service, random, outcome)
            file, other = world.home / "precedent.db", world.home / "other.db"
            with sqlite3.connect(file) as source, sqlite3.connect(other) as target:
                source.backup(target)
            source.close()
            target.close()
            other.replace(file)
            with trial.writers.writing():
                trial.pause(1.0, 2.0)
        _read_whole(file, outcome)
        outcome.add(trial.oracle.compare(world.database_url))
        outcome.rounds += 1
        world.restore()


def _read_whole(file: Path, outcome: Outcome) -> None:
    connection = sqlite3.connect(file)
    (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()
    if verdict != "ok":
        outcome.failures.append(f"damaged store: {verdict[:60]}")


@contextmanager
def _own_disk(world: World, free_bytes: int) -> Iterator[None]:
    """Keep the home on a disk of its own with this free space until the end of the block."""
    if os.geteuid() != 0:
        raise Unavailable("mounting a disk needs root")
    size = world.template_bytes * 5 // 4 + free_bytes
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(world.home)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        raise Unavailable(f"no disk can be mounted: {mounted.stderr.strip()}")
    try:
        world.restore()
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(world.home)], check=True)


def _remount(folder: Path, how: str) -> None:
    command = ["mount", "-o", f"remount,{how}", str(folder)]

    def is_remounted() -> bool:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    # A process that compiles for the killed server keeps the disk busy until it is done.
    if not soon(is_remounted, _REMOUNT_SECONDS):
        subprocess.run(command, check=True)


def _fill(file: Path) -> None:
    with file.open("wb", buffering=0) as filler:
        for size in (2**20, 2**12, 1):
            with suppress(OSError):
                while filler.write(b"x" * size):
                    pass
