"""The lines of the table of what serving costs: measured, printed, and kept in RESULTS.md."""

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from results import keep_section, kept_section

from serving_load.answers import (
    measure_batch,
    measure_latency,
    measure_one_triage,
    measure_throughput,
)
from serving_load.bench_home import Bench, running_bench
from serving_load.costs import (
    measure_installation,
    measure_large_home,
    measure_memory,
    measure_training,
)
from serving_load.mlflow_peer import measure_against_mlflow
from serving_load.overload import measure_overload
from serving_load.ratios import Figure

_SECTION = "serving"
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
    "j": measure_overload,
}
LINES = (*_WITH_SERVICE, *_WITH_HOME)


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
        row for row in kept_section(_SECTION).get("serving", []) if row["line"] not in measured
    ]
    rows = [asdict(figure) | {"commit": run["commit"]} for figure in figures]
    together = sorted([*earlier, *rows], key=lambda row: row["line"])
    keep_section(_SECTION, {"run": run, "serving": together})


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
