"""Prepares the machine code that scores metric series, so that no request waits for it."""

import atexit
import subprocess
import sys
from pathlib import Path

from features.home import Home


def compile_in_background(home: Home, cache: Path) -> None:
    """Start a process that compiles the loops, unless the cache has their machine code.

    The process ends with the server.
    """
    if any(cache.rglob("*.nbi")):
        return
    command = [sys.executable, "-m", "models.timeseries.compile_kernels", str(home.root)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    atexit.register(process.terminate)
