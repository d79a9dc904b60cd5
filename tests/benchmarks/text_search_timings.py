"""What a search for words costs: `python tests/benchmarks/text_search_timings.py [INCIDENTS]`.

100,000 made-up incidents, recombined from real tickets, are imported into an SQLite store. Each
page of 25 incidents is searched as `GET /v1/incidents` does: in the index, then in the store.
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from data_sets import DATA_SETS, load_data_set
from rich.console import Console

from features.domain.report import IncidentReport, Outcome, ResolvedIncident, Status
from features.store.incidents.incident_search import InboxQuery
from features.store.store import Store, open_store
from serving.background.text_index import TextIndexUpdater
from serving.services.records.incident_search import IncidentSearch

INCIDENTS, SEARCHES = 100_000, 200
OUT = Console(highlight=False)
_BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
_TITLE_WORDS = 8


def made_up(count: int, rng: Random) -> Iterator[ResolvedIncident]:
    """Yield incidents made of the halves of two tickets; one in a thousand is open."""
    incidents = load_data_set(DATA_SETS["it-tickets"]).incidents
    documents = [incident.report.description.split() for incident in incidents]
    for number in range(count):
        first, second = rng.choice(documents), rng.choice(documents)
        words = first[: len(first) // 2] + second[len(second) // 2 :]
        report = IncidentReport(
            f"INC{number:07}",
            _BEGIN + timedelta(minutes=10 * number),
            " ".join(words[:_TITLE_WORDS]),
            " ".join(words),
            service=f"service {rng.randrange(300)}",
        )
        outcome = Outcome() if number % 1000 == 0 else Outcome(category="Network")
        yield ResolvedIncident(report, outcome)


def queries(incidents: list[ResolvedIncident], rng: Random) -> Iterator[tuple[str, InboxQuery]]:
    """Yield one query of each kind, made of the words of an incident."""
    report = rng.choice(incidents).report
    words = [word for word in report.description.split() if len(word) > 5 and word.isalpha()]
    if len(words) < 3:
        return
    word = rng.choice(words)
    place = rng.randrange(1, len(word) - 1)
    swapped = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    start = rng.randrange(len(words) - 1)
    yield "one word", InboxQuery(word)
    yield "three words", InboxQuery(" ".join(rng.sample(words, 3)))
    yield "two letters", InboxQuery(word[:2])
    yield "four letters", InboxQuery(word[:4])
    yield "a typo", InboxQuery(swapped)
    yield "a phrase", InboxQuery(f'"{" ".join(report.title.split()[:3])}"')
    yield "two words, open", InboxQuery(" ".join(words[start : start + 2]), status=Status.OPEN)
    yield "one word, a service", InboxQuery(word, service=report.service)
    yield "an id", InboxQuery(report.id)
    yield "half an id", InboxQuery(report.id[:6])


def measure(store: Store, count: int) -> None:
    """Print how long the import, the indexing and each kind of query take."""
    rng = Random(1)
    incidents = list(made_up(count, rng))
    started = perf_counter()
    store.tracked.import_history(incidents)
    OUT.print(f"import of {count:,} incidents: {perf_counter() - started:.1f} s")
    index = TextIndexUpdater(store, poll_seconds=60)
    started = perf_counter()
    index.poll()
    OUT.print(f"first index: {perf_counter() - started:.1f} s")
    search = IncidentSearch(store, index)
    seconds: dict[str, list[float]] = {}
    for _ in range(SEARCHES):
        for kind, query in queries(incidents, rng):
            started = perf_counter()
            search.page(query)
            seconds.setdefault(kind, []).append(perf_counter() - started)
    for kind, times in {
        **seconds,
        "all": [time for some in seconds.values() for time in some],
    }.items():
        p50, p95 = 1000 * np.quantile(times, [0.5, 0.95])
        OUT.print(f"{kind:22} p50 {p50:6.1f} ms   p95 {p95:6.1f} ms")
    started = perf_counter()
    store.tracked.import_history(
        [ResolvedIncident(IncidentReport("new", title="zebra crossing"), Outcome())]
    )
    found = index.find("zebra")
    OUT.print(
        f"a new incident is found after {1000 * (perf_counter() - started):.1f} ms: {found[:1]}"
    )


if __name__ == "__main__":
    with TemporaryDirectory() as folder, open_store(f"sqlite:///{Path(folder)}/store.db") as made:
        measure(made, int(sys.argv[1]) if len(sys.argv) > 1 else INCIDENTS)
