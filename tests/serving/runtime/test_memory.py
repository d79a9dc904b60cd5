"""What is freed goes back to the system, also if many threads had it."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from serving.runtime.memory import return_freed_memory, share_arenas

def resident() -> int:
    return int(re.search(r"Rss: +(\\d+) kB", Path("/proc/self/smaps_rollup").read_text())[1])

together = Barrier(8)
def fill(_) -> None:
    # Blocks of several sizes, as the tensors of a network.
    for _ in range(3):
        held = [b"x" * size for size in range(50_000, 2_000_000, 50_000)]
        together.wait()
        kept.append(bytearray(100_000))
        del held

kept = []
share_arenas()
return_freed_memory()
before = resident()
with ThreadPoolExecutor(8) as threads:
    list(threads.map(fill, range(8)))
    freed = resident()
    return_freed_memory()
    print(freed - before, resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc keeps what is freed")
def test_freed_memory_goes_back_to_the_system() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True, timeout=60
    )
    kept, returned = map(int, answer.stdout.split())
    assert kept > 100_000, "blocks of a batch are kept, to be used again by the next one"
    assert returned < 20_000, "kB of 312,000 that were freed are still resident"
