"""Compiles the loops that score metric series, in a process of its own.

A server starts it as `python -m models.timeseries.compile_kernels HOME`: compiling needs 290 MB and
15 seconds of CPU time, and the server itself may never score a series.
"""

import os
import sys
from pathlib import Path

from filelock import FileLock, Timeout

from features.home import Home
from models.timeseries.anomaly_model import compile_kernels, enable_kernel_cache


def main(home: Home) -> None:
    """Compile the loops into the home's cache, unless another process does it already."""
    folder = enable_kernel_cache(home)
    os.nice(10)
    try:
        with FileLock(folder / "compiling.lock", timeout=0):
            compile_kernels()
    except Timeout:
        return


if __name__ == "__main__":
    main(Home(Path(sys.argv[1])))
