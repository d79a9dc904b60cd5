"""Measures Precedent beside its peers and writes RESULTS.md: `python tests/benchmarks/bench.py`."""

import argparse
import sys

from comparison import compare_with_peers
from concept_change import measure_noticing, pools
from data_sets import DATA_SETS, load_data_set
from gate_simulation import TRIALS, simulate_all
from history_replay import measure_replay
from label_counts import SOURCES, measure_label_counts
from replay_histories import REPLAYED
from results import (
    alarm_rate_section,
    comparison_section,
    cost_section,
    describe_run,
    detector_section,
    gate_section,
    keep_section,
    label_count_section,
    noticed_section,
    render,
    replay_section,
    timing_section,
)
from rich.console import Console
from runbook_retrieval import compare_runbooks
from search_timings import measure_search
from setfit_peer import measure_setfit
from similar_retrieval import compare_openoffice, compare_seamonkey
from telemetry import TelemetryBench
from telemetry_speed import measure_telemetry_speed
from timings import time_everything

from features.home import Home, open_home

_RETRIEVALS = {
    "openoffice": compare_openoffice,
    "seamonkey-issues": compare_seamonkey,
    "runbooks": compare_runbooks,
}
_TIMINGS, _SEARCH_TIMINGS, _TELEMETRY = "timings", "search-timings", "telemetry"
_CONCEPT_CHANGE, _CHANGED_SHARE = "concept-change", 0.12
_LABELS, _SETFIT = "labels", "labels-setfit"
_GATE = "gate"
_REPLAY, _REPLAY_LOOP = "replay", "replay-loop"
_SETFIT_LABELS = 50


def main() -> None:
    """Measure what was asked for, one section at a time."""
    arguments = _parser().parse_args()
    home = open_home()
    command = " ".join(["python tests/benchmarks/bench.py", *sys.argv[1:]])
    run = describe_run(command)
    for name in arguments.data_set:
        for title, section in _measure(name, arguments.rows, home, run):
            Console().print(render(title, section), markup=False, soft_wrap=True)
            if arguments.rows is None:
                keep_section(title, section)


def _parser() -> argparse.ArgumentParser:
    learned = [name for name, data_set in DATA_SETS.items() if data_set.targets]
    others = [_LABELS, _TELEMETRY, _TIMINGS, _SEARCH_TIMINGS, _GATE, _CONCEPT_CHANGE, _REPLAY]
    names = [*learned, *_RETRIEVALS, *others]
    choices = [*names, _SETFIT, _REPLAY_LOOP]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-set", nargs="+", choices=choices, default=names)
    parser.add_argument("--rows", type=int, help="try out on a sample; nothing is written")
    return parser


def _measure(name: str, rows: int | None, home: Home, run: dict[str, str]):
    if name in (_LABELS, _SETFIT):
        yield from _measure_labels(name, rows, home, run)
    elif name in (_REPLAY, _REPLAY_LOOP):
        yield from _measure_replays(name, rows, home, run)
    elif name == _TELEMETRY:
        yield from _measure_telemetry(rows, run)
    elif name == _CONCEPT_CHANGE:
        yield from _measure_concept_changes(home, run)
    elif name == _TIMINGS:
        yield name, timing_section(time_everything(rows), run)
    elif name == _SEARCH_TIMINGS:
        yield name, cost_section(measure_search(home, rows), run)
    elif name == _GATE:
        yield "gate: simulated", gate_section(simulate_all(rows or TRIALS), run)
    else:
        yield from _compare(name, rows, home, run)


def _compare(name: str, rows: int | None, home: Home, run: dict[str, str]):
    """Compare with the peers of a search, or with those of each target of a data set."""
    if name in _RETRIEVALS:
        for title, comparison in _RETRIEVALS[name](home, rows):
            yield f"{name}: {title}", comparison_section(comparison, run)
        return
    history = load_data_set(DATA_SETS[name], rows)
    for target in DATA_SETS[name].targets:
        comparison = compare_with_peers(history, target, home)
        yield f"{name}: {target}", comparison_section(comparison, run)


def _measure_labels(name: str, rows: int | None, home: Home, run: dict[str, str]):
    """Measure up to `rows` labels; SetFit, which takes half an hour for 50, at that many only."""
    for source in SOURCES:
        if name == _LABELS:
            counts = measure_label_counts(source, home, rows)
            yield f"labels: {source}", label_count_section(counts, run)
        else:
            counts = measure_setfit(source, home, rows or _SETFIT_LABELS)
            yield f"labels: {source}, SetFit", label_count_section(counts, run)


def _measure_telemetry(rows: int | None, run: dict[str, str]):
    """Measure on `rows` series of each source only, where a sample is asked for."""
    bench = TelemetryBench(rows)
    yield "telemetry: detectors", detector_section(bench.compare_with_peers(), run)
    yield "telemetry: own alarms", alarm_rate_section(bench.check_alarm_rates(), run)
    yield "telemetry: cost", cost_section(measure_telemetry_speed(rows), run)


def _measure_concept_changes(home: Home, run: dict[str, str]):
    for pool, a_year in pools(home):
        noticed = list(measure_noticing(pool, a_year=a_year, share=_CHANGED_SHARE))
        yield f"{_CONCEPT_CHANGE}: {pool.name}", noticed_section(noticed, run)


def _measure_replays(name: str, rows: int | None, home: Home, run: dict[str, str]):
    """Replay each target of each history; retraining through the gate as well takes hours."""
    with_loop = name == _REPLAY_LOOP
    for history, replayed in REPLAYED.items():
        for target in replayed.targets:
            comparison = measure_replay(history, target, home, with_loop=with_loop, rows=rows)
            yield f"{name}: {history}, {target}", replay_section(comparison, run)


if __name__ == "__main__":
    main()
