"""Artifacts that are changed under a running server: neither it nor its answers may suffer."""

from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from random import Random

from service_process import ServiceProcess, ask

from .world import Outcome, Trial, World

_TEXTS = ("vpn drops every hour", "printer jam on floor 3", "disk full on db-02", "mail delayed")


def truncated_artifact(world: World, rounds: int, random: Random, outcome: Outcome) -> None:
    """Cut files of the served artifacts short."""
    _damage(world, rounds, random, outcome, _cut)


def zeroed_artifact(world: World, rounds: int, random: Random, outcome: Outcome) -> None:
    """Overwrite files of the served artifacts with zeros, in place."""
    _damage(world, rounds, random, outcome, _zero)


def _damage(
    world: World, rounds: int, random: Random, outcome: Outcome, damage: Callable[[Path], None]
) -> None:
    for _ in range(rounds):
        with world.serving() as service:
            trial = Trial.on(service, random, outcome)
            before = _answers(service)
            with trial.writers.writing():
                for file in _array_files(world.home):
                    damage(file)
                trial.pause(0.5, 1.5)
            after = _answers(service)
            if not service.is_running:
                outcome.failures.append("the server was killed by a damaged artifact")
            elif after != before:
                outcome.failures.append("a damaged artifact changed answers")
        outcome.add(trial.oracle.compare(world.database_url))
        outcome.rounds += 1
        world.restore()


def _array_files(home: Path) -> list[Path]:
    files = [file for file in (home / "artifacts").rglob("*") if file.is_file()]
    return [file for file in files if file.suffix in {".npy", ".npz", ".bin"}]


def _answers(service: ServiceProcess) -> list[object]:
    found: list[object] = []
    for text in _TEXTS:
        body = {"incident": {"title": text}, "include": ["category"]}
        try:
            status, answer = ask(service.port, "POST", "/v1/triage", body)
        except (OSError, HTTPException, ValueError):
            return found
        category = answer.get("category") or {}
        found.append((status, category.get("label"), category.get("confidence")))
    return found


def _cut(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.truncate(128)


def _zero(file: Path) -> None:
    size = file.stat().st_size
    with file.open("r+b") as opened:
        opened.seek(128)
        opened.write(b"\0" * max(0, size - 128))
