"""What a search among 100,000 past incidents costs: `python tests/benchmarks/search_timings.py`.

Searches are timed after encoding: the reports' vectors are remembered, everything else is done.
"""

import gc
import os
import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from made_up_past import MadeUpPast
from rich.console import Console

from features.domain.report import IncidentReport, ResolvedIncident
from features.encoding.encoder_weights import MINILM, forget_vectors, open_encoder
from features.home import Home, open_home
from features.search.incident_index import IncidentIndex
from features.text.cleaning import clean_text, incident_text
from models.similarity.result_entries import ListedRecords
from models.similarity.similar_model import SimilarModel

_PAST = 100_000
_AT_ONCE = 2_048
_SEARCHES = 500
_CHANGES = 50
_MEGABYTE = 1e6


@dataclass(frozen=True, slots=True)
class Cost:
    """What was measured, and what it is to stay under, if anything was set."""

    name: str
    value: float
    unit: str
    most: float | None = None


def measure_search(home: Home, rows: int | None = None) -> list[Cost]:
    """Build an index of 100,000 made-up incidents, or of `rows`, search it, and change it."""
    count = rows or _PAST
    past = MadeUpPast(home)
    records = ListedRecords([past.incident(number) for number in range(count)])
    before = _resident_megabytes()
    started = perf_counter()
    index = _build(past, records, count)
    built = perf_counter() - started
    grown = _resident_megabytes() - before
    new = [past.incident(number) for number in range(count, count + _SEARCHES)]
    model = SimilarModel().learn([])
    _remember(past, [incident.report for incident in new])
    usual = _search_seconds(model, index, records, new, cutoff=None)
    full = _search_seconds(model, index, records, new, cutoff=0)
    forget_vectors()
    return [
        Cost(f"search among {count:,}, ten entries shown, p50", 1000 * _quantile(full, 0.5), "ms"),
        Cost(
            f"search among {count:,}, ten entries shown, p95",
            1000 * _quantile(full, 0.95),
            "ms",
            20,
        ),
        Cost("search with the usual cut-off, p50", 1000 * _quantile(usual, 0.5), "ms"),
        Cost("search with the usual cut-off, p95", 1000 * _quantile(usual, 0.95), "ms", 20),
        Cost("resident memory of the index", grown, "MB", 300),
        Cost("building the index", built, "s"),
        *_change_costs(index, new[:_CHANGES]),
        Cost("load of the machine, one minute", os.getloadavg()[0], "processes"),
    ]


def _build(past: MadeUpPast, records: ListedRecords, count: int) -> IncidentIndex:
    index = IncidentIndex(past)
    for start in range(0, count, _AT_ONCE):
        ids = [f"INC{number:07}" for number in range(start, min(start + _AT_ONCE, count))]
        index.upsert(list(records.find(ids).values()))
    return index


def _remember(past: MadeUpPast, reports: Sequence[IncidentReport]) -> None:
    texts = [
        text for report in reports for text in (incident_text(report), clean_text(report.title))
    ]
    open_encoder(MINILM).remember(texts, past.encode(texts))


def _search_seconds(
    model: SimilarModel,
    index: IncidentIndex,
    records: ListedRecords,
    asked: Sequence[ResolvedIncident],
    *,
    cutoff: float | None,
) -> list[float]:
    return [
        _seconds(
            lambda incident=incident: model.search([incident.report], index, records, cutoff=cutoff)
        )
        for incident in asked
    ]


def _change_costs(index: IncidentIndex, new: Sequence[ResolvedIncident]) -> list[Cost]:
    added = [_seconds(lambda incident=incident: index.upsert([incident])) for incident in new]
    removed = [
        _seconds(lambda incident=incident: index.remove([incident.report.id])) for incident in new
    ]
    return [
        Cost("adding one incident, median", 1000 * _quantile(added, 0.5), "ms"),
        Cost("removing one incident, median", 1000 * _quantile(removed, 0.5), "ms"),
    ]


def _quantile(seconds: Sequence[float], share: float) -> float:
    return float(np.quantile(seconds, share))


def _seconds(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started


def _resident_megabytes() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / _MEGABYTE


def main() -> None:
    """Measure and show."""
    for cost in measure_search(open_home()):
        Console().print(f"{cost.name}: {cost.value:.1f} {cost.unit}", highlight=False)


if __name__ == "__main__":
    main()
