"""Linear algebra: programs leave the other processors to other work, unless the user chose."""

import os
import subprocess
import sys

import pytest

PRECEDENT = "console(entry_points(group=GROUP)), ['serve', '--help']"
SERVING = "cli, ['watch', '--help']"
THREADS = """
from importlib.metadata import entry_points
from threadpoolctl import threadpool_info
from typer.testing import CliRunner
from features.cli.console import GROUP, console
from serving.__main__ import cli

CliRunner().invoke({command})
import numpy, scipy.linalg
print({{library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}})
"""


@pytest.mark.parametrize(
    ("command", "settings", "threads"),
    [
        (PRECEDENT, {}, "{1}"),
        (SERVING, {}, "{1}"),
        (PRECEDENT, {"OPENBLAS_NUM_THREADS": "2"}, "{2}"),
        (PRECEDENT, {"OMP_NUM_THREADS": "2"}, "{2}"),
    ],
)
@pytest.mark.skipif(os.cpu_count() == 1, reason="one processor has one thread anyway")
def test_matrices_are_multiplied_on_one_thread_by_default(
    command: str, settings: dict[str, str], threads: str
) -> None:
    unset = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    inherited = {name: value for name, value in os.environ.items() if name not in unset}

    result = subprocess.run(
        [sys.executable, "-c", THREADS.format(command=command)],
        env=inherited | settings,
        check=True,
        capture_output=True,
        text=True,
    )

    assert result.stdout == f"{threads}\n"
