"""CPU time and memory of a process and of all that it started, read from /proc."""

import os
from contextlib import suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_MEGABYTE = 1024


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and its descendants, the ended ones included."""
    ticks = 0
    for number in _with_descendants(pid):
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(int(field) for field in fields[11:15])
    return ticks / _TICKS


def memory_megabytes(pid: int, kind: str = "Rss") -> float:
    """Return the resident memory in MB, touched pages of mapped files included.

    With `kind` "Pss", a page that several processes use counts in part.
    """
    kilobytes = 0
    for number in _with_descendants(pid):
        # A child that has ended meanwhile holds no memory.
        with suppress(ProcessLookupError, FileNotFoundError):
            lines = Path(f"/proc/{number}/smaps_rollup").read_text().splitlines()
            kilobytes += next(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:"))
    return kilobytes / _MEGABYTE


def open_descriptors(pid: int) -> int:
    """Return how many descriptors a process and its descendants hold."""
    return sum(len(list(Path(f"/proc/{number}/fd").iterdir())) for number in _with_descendants(pid))


def _with_descendants(pid: int) -> list[int]:
    found = [pid]
    for number in found:
        for children in Path(f"/proc/{number}/task").glob("*/children"):
            found += [int(child) for child in children.read_text().split()]
    return found
