"""`make compare BASE=<commit>`: exits with 1 when this checkout answers otherwise than the commit.

The base is checked out and measured once: its results stay under build/compare, by commit and by
what was asked.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from data_sets import data_folder

from compare.differences import differences
from compare.samples import write_samples

_REPOSITORY = Path(__file__).parents[3]
_WORK = _REPOSITORY / "build" / "compare"
_TOLERANCE = 1e-9
_SHOWN = 20
_PROCESSES = 2


def main() -> int:
    """Compare, print what differs, and return the exit code."""
    arguments = _arguments()
    commit = _git("rev-parse", "--verify", f"{arguments.base}^{{commit}}")
    samples = _WORK / "samples"
    samples.mkdir(parents=True, exist_ok=True)
    names = write_samples(samples, with_data=data_folder().is_dir())
    chosen = tuple(name for name in names if name in (arguments.only or names))
    base = _checkout(commit)
    results = _WORK / "results"
    before = _results(base, chosen, samples, results / commit[:12], is_kept=True)
    after = _results(_REPOSITORY, chosen, samples, results / "now", is_kept=False)
    return _print_differences(before, after)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make compare")
    parser.add_argument("base", help="the commit to compare with")
    parser.add_argument("--only", nargs="*", help="names of samples; all if left out")
    return parser.parse_args()


def _checkout(commit: str) -> Path:
    folder = _WORK / "checkouts" / commit[:12]
    if not folder.exists():
        _git("worktree", "prune")
        _git("worktree", "add", "--detach", str(folder), commit)
    return folder


def _results(
    checkout: Path, names: tuple[str, ...], samples: Path, folder: Path, *, is_kept: bool
) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)

    def measure(name: str) -> Any:
        file = folder / f"{name}-{_digest(samples, name)}.json"
        if not (is_kept and file.exists()):
            _collect(checkout, samples / f"{name}.json", file)
        return json.loads(file.read_text())

    with ThreadPoolExecutor(_PROCESSES) as threads:
        return dict(zip(names, threads.map(measure, names), strict=True))


def _collect(checkout: Path, sample: Path, result: Path) -> None:
    environment = os.environ | {
        "PYTHONPATH": str(checkout),
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "LOKY_MAX_CPU_COUNT": "1",
        "PRECEDENT_AUDIT_SHARE": "0",
    }
    script = Path(__file__).with_name("collect.py")
    unfinished = result.with_suffix(".unfinished")
    command = [sys.executable, str(script), str(sample), str(unfinished)]
    done = subprocess.run(
        command, cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{sample.stem} at {checkout} failed:\n{done.stderr[-3000:]}")
    unfinished.rename(result)
    _say(f"measured {sample.stem} at {checkout.name}")


def _print_differences(before: dict[str, Any], after: dict[str, Any]) -> int:
    places_of = {
        name: list(differences(before[name], after[name], _TOLERANCE, name)) for name in before
    }
    for name, places in places_of.items():
        _say(f"{name}: {len(places) or 'nothing'} {'differs' if len(places) < 2 else 'differ'}")
        changes = Counter(change for _, change in places)
        first_place = {change: place for place, change in reversed(places)}
        for change, count in changes.most_common(_SHOWN):
            _say(f"  {count} times, first at {first_place[change]}: {change}")
    return int(any(places_of.values()))


def _digest(samples: Path, name: str) -> str:
    """Return what stands for a sample and for how it is measured."""
    script = Path(__file__).with_name("collect.py").read_bytes()
    files = sorted(file for file in samples.rglob("*") if file.is_file())
    chosen = [file for file in files if name in str(file.relative_to(samples))]
    contents = [script, *(file.read_bytes() for file in chosen)]
    return hashlib.sha256(b"".join(contents)).hexdigest()[:12]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _git(*arguments: str) -> str:
    ran = subprocess.run(
        ["git", *arguments], cwd=_REPOSITORY, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        sys.exit(f"git {' '.join(arguments)}: {ran.stderr.strip()}")
    return ran.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
