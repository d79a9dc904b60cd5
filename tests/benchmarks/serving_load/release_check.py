"""`make release-check`: what takes long, before a release; writes commit and date to RESULTS.md.

Causes all faults, measures what serving costs, and keeps a service under load for 20 minutes.
Exits with 1 if a write was lost or doubled, if the service failed otherwise, or if memory,
descriptors or latency grew.
"""

import argparse
import os
import signal
import subprocess
import sys
from typing import Any

from results import describe_run, keep_section
from service_process import REPOSITORY

from serving_load.bench_home import demo_home, running_bench
from serving_load.lines import LINES, keep_lines, measure_lines
from serving_load.soak import describe, growth, soak

_FAULTS = [sys.executable, "-m", "tests.faults"]


def main() -> int:
    """Check everything, write the results, and return the exit code."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    run = describe_run("make release-check")
    faults, are_faults_clean = _cause_faults(arguments.rounds)
    keep_lines(measure_lines(list(LINES), demo_home()), run)
    with running_bench(demo_home()) as bench:
        minutes = soak(bench, arguments.minutes)
    grown = growth(minutes)
    section: dict[str, Any] = {
        "run": run,
        "faults": faults,
        "soak": [f"{arguments.minutes} minutes", *describe(minutes)],
        "grown": grown,
    }
    keep_section("release check", section)
    for line in (
        *faults,
        *section["soak"],
        *(f"{what} grew: {how}" for what, how in grown.items()),
    ):
        sys.stdout.write(f"{line}\n")
    return int(not are_faults_clean or bool(grown))


def _cause_faults(rounds: int) -> tuple[list[str], bool]:
    """Run `make faults`, and return its table and whether nothing was lost."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "tests" / "support")])
    }
    command = [*_FAULTS, "--rounds", str(rounds)]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    lines = done.stdout.splitlines()
    begin = next((place for place, line in enumerate(lines) if line.startswith("| fault")), 0)
    return lines[begin:], done.returncode == 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make release-check", description=__doc__)
    parser.add_argument("--minutes", type=int, default=20, help="of the steady load")
    parser.add_argument("--rounds", type=int, default=200, help="of faults")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
