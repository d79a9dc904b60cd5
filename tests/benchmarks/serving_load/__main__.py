"""`make bench-serving [ONLY=a,b]`: measures what serving costs, and writes it to RESULTS.md.

Each line is measured in one run with what it is compared with. `--only` measures some lines, and
leaves the others as they were measured before. `--print` writes nothing.
"""

import argparse
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from results import describe_run, keep_section, kept_section

from serving_load.answers import (
    measure_batch,
    measure_latency,
    measure_one_triage,
    measure_throughput,
)
from serving_load.bench_home import Bench, demo_home, running_bench
from serving_load.costs import (
    measure_installation,
    measure_large_home,
    measure_memory,
    measure_training,
)
from serving_load.mlflow_peer import measure_against_mlflow
from serving_load.ratios import Figure

SECTION = "serving"
_WITH_SERVICE: dict[str, Callable[[Bench], list[Figure]]] = {
    "a": measure_one_triage,
    "b": measure_latency,
    "c": measure_throughput,
    "d": measure_against_mlflow,
    "e": measure_batch,
}
_WITH_HOME: dict[str, Callable[[Path], list[Figure]]] = {
    "f": measure_installation,
    "g": measure_memory,
    "h": measure_large_home,
    "i": measure_training,
}


def main() -> None:
    """Measure the lines that were asked for."""
    arguments = _arguments()
    # The service is ended also when this process is told to stop.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    figures = measure_lines(arguments.only, demo_home())
    if not arguments.print:
        keep_lines(figures, describe_run("make bench-serving"))


def measure_lines(lines: list[str], home: Path) -> list[Figure]:
    """Measure lines in their order, and print each figure when it is known."""
    figures: list[Figure] = []
    chosen = [line for line in _WITH_SERVICE if line in lines]
    if chosen:
        with running_bench(home) as bench:
            for line in chosen:
                figures += _shown(_WITH_SERVICE[line](bench))
    for line in _WITH_HOME:
        if line in lines:
            figures += _shown(_WITH_HOME[line](home))
    return figures


def keep_lines(figures: list[Figure], run: dict[str, str]) -> None:
    """Write figures into the section; lines that were not measured stay."""
    measured = {figure.line for figure in figures}
    earlier = [
        row for row in kept_section(SECTION).get("serving", []) if row["line"] not in measured
    ]
    rows = [asdict(figure) | {"commit": run["commit"]} for figure in figures]
    together = sorted([*earlier, *rows], key=lambda row: row["line"])
    keep_section(SECTION, {"run": run, "serving": together})


def _arguments() -> argparse.Namespace:
    lines = [*_WITH_SERVICE, *_WITH_HOME]
    parser = argparse.ArgumentParser(prog="make bench-serving", description=__doc__)
    parser.add_argument("--only", type=lambda text: text.split(","), default=lines)
    parser.add_argument("--print", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.only) - set(lines)):
        parser.error(f"unknown lines: {', '.join(unknown)}; there are {', '.join(lines)}")
    return arguments


def _shown(figures: list[Figure]) -> list[Figure]:
    for figure in figures:
        limit = (
            f"at most {figure.most:g}" if figure.most is not None else f"{figure.least:g} or more"
        )
        sys.stdout.write(
            f"{figure.line}  {figure.name}: {figure.value:.3g} {figure.unit} "
            f"[{figure.low:.3g}, {figure.high:.3g}] (to reach: {limit}) {figure.note}\n"
        )
        sys.stdout.flush()
    return figures


if __name__ == "__main__":
    main()
