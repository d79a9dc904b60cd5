"""Compiled loops are cached in a folder for the next process, until their sources change."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from features.timeseries.jit import hash_sources

PROGRAM = """
import sys
from pathlib import Path
from features.timeseries.jit import enable_disk_cache
sys.path.insert(0, {sources!r})
from doubling import double
enable_disk_cache(Path({kept!r}), [double])
assert double(2.0) == 4.0
stats = double.dispatcher.stats
print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
"""
SOURCE = """
from features.timeseries.jit import compiled

@compiled
def double(value):
    return 2 * value
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    (tmp_path / "doubling.py").write_text(SOURCE)
    return tmp_path


def run(sources: Path, kept: Path, **environment: str) -> tuple[int, int]:
    """Return how often a new process found the code, and how often it had to compile."""
    inherited = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    program = PROGRAM.format(sources=str(sources), kept=str(kept))
    answer = subprocess.run(
        [sys.executable, "-c", program],
        env={**inherited, "PYTHONPATH": str(Path(__file__).parents[3]), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    found, compiled = answer.stdout.split()
    return int(found), int(compiled)


@pytest.mark.quality
def test_the_next_process_finds_what_was_compiled(sources, tmp_path):
    folder = tmp_path / "not made" / "yet"
    assert run(sources, folder) == (0, 1)
    assert list(folder.rglob("*.nbc"))
    assert run(sources, folder) == (1, 0)


@pytest.mark.quality
def test_a_folder_named_by_the_environment_comes_first(sources, tmp_path):
    named = tmp_path / "named"
    named.mkdir()
    run(sources, tmp_path / "kept", NUMBA_CACHE_DIR=str(named))
    assert list(named.rglob("*.nbc"))
    assert not (tmp_path / "kept").exists()


def test_code_is_named_by_the_sources_it_comes_from(tmp_path):
    module = ModuleType("counting")
    module.__file__ = str(tmp_path / "counting.py")
    Path(module.__file__).write_text("one = 1")
    name = hash_sources(module)
    assert hash_sources(module) == name
    Path(module.__file__).write_text("one = 2")
    assert hash_sources(module) != name


def test_numba_is_imported_by_the_first_call_alone(sources):
    program = (
        f"import sys; sys.path.insert(0, {str(sources)!r}); import doubling; "
        "print('numba' in sys.modules); doubling.double(1.0); print('numba' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    answer = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert answer.stdout.split() == ["False", "True"]
