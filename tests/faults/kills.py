"""SIGKILL at random moments: the server, one of its workers, and a training."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from random import Random

from service_process import REPOSITORY, ask

from .world import Outcome, Trial, World, answers


def kill_server(world: World, rounds: int, random: Random, outcome: Outcome) -> None:
    """Kill the server while clients write, and start it again."""
    with world.serving() as service:
        trial = Trial.on(service, random, outcome)
        for _ in range(rounds):
            with trial.writers.writing():
                trial.pause(0.2, 2.5)
                service.kill()
            service.start()
            trial.writers.send_again()
            outcome.rounds += 1
        trial.settle(world.database_url)


def kill_worker(world: World, rounds: int, random: Random, outcome: Outcome) -> None:
    """Kill one of two workers; the other answers, and another worker is started."""
    with world.serving({"PRECEDENT_WORKERS": "2"}) as service:
        trial = Trial.on(service, random, outcome)
        for _ in range(rounds):
            with trial.writers.writing():
                trial.pause(0.2, 2.5)
                worker = random.choice(_workers(service.pid))
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
                trial.pause(0.2, 2.5)
            trial.expect_writes()
            outcome.rounds += 1
        trial.writers.send_again(75)
        for worker in _workers(service.pid):
            os.kill(worker, signal.SIGTERM)
        trial.settle(world.database_url)


def kill_trainer(world: World, rounds: int, random: Random, outcome: Outcome) -> None:
    """Kill a training at a random moment; the champion goes on, and the next start finds one."""
    longest = 25.0
    with world.serving() as service:
        trial = Trial.on(service, random, outcome)
        for _ in range(rounds):
            with (
                trial.writers.writing(),
                subprocess.Popen(
                    world.train_command,
                    env=world.environment,
                    cwd=REPOSITORY,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                ) as training,
            ):
                trial.pause(2.0, longest)
                with suppress(ProcessLookupError):
                    os.killpg(training.pid, signal.SIGKILL)
            status, answer = ask(
                service.port, "POST", "/v1/triage", {"incident": {"title": "vpn down"}}
            )
            if status != 200 or answer["category"] is None:
                outcome.failures.append("the champion no longer answers")
            outcome.rounds += 1
        service.kill()
        service.start()
        trial.writers.send_again()
        if not answers(service, "/health/ready"):
            outcome.failures.append("not ready after trainings were killed")
        trial.settle(world.database_url)


def _workers(pid: int) -> list[int]:
    """Return the processes that serve, without the resource tracker that Python starts."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [
        int(child)
        for child in children
        if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
