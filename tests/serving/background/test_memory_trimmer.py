"""Freed memory goes back to the system while the service runs, without a request."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import re, time
from pathlib import Path
from serving.background.memory_trimmer import MemoryTrimmer

def resident() -> int:
    return int(re.search(r"Rss: +(\\d+) kB", Path("/proc/self/smaps_rollup").read_text())[1])

trimmer = MemoryTrimmer()
trimmer.start()
before = resident()
blocks = [b"x" * 1_000_000 for _ in range(100)]
# In use, it keeps the blocks below from being the end of what is allocated.
last = b"x" * 1_000_000
del blocks
ends = time.monotonic() + 20
while resident() - before > 20_000 and time.monotonic() < ends:
    time.sleep(0.1)
print(resident() - before)
trimmer.stop()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc keeps what is freed")
def test_freed_memory_is_returned_within_seconds() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True, timeout=60
    )

    assert int(answer.stdout) < 20_000, "kB of 100,000 that were freed are still resident"
