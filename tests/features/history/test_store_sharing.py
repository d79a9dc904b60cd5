"""Many processes and threads on one store: nothing is lost, and revisions are distinct."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing

from features.history.store import IncidentStore, open_store
from features.incident.report import IncidentReport, Outcome, ResolvedIncident

WRITES = 15


def incident(incident_id: str, title: str) -> ResolvedIncident:
    return ResolvedIncident(IncidentReport(id=incident_id, title=title), Outcome())


def write_many(url: str, writer: str) -> dict[int, str]:
    """Open the store, write one shared and one own incident each time; return what by revision."""
    with open_store(url) as store:
        return {
            store.upsert([incident("shared", title), incident(title, title)]): title
            for title in (f"{writer}-{number}" for number in range(WRITES))
        }


def test_processes_that_start_at_once_on_an_empty_database_lose_nothing(database_url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    writers = ["a", "b"]
    with ProcessPoolExecutor(len(writers), mp_context=spawn) as pool:
        results = list(pool.map(write_many, [database_url] * len(writers), writers))
    title_by_revision = {
        revision: title for result in results for revision, title in result.items()
    }
    assert sorted(title_by_revision) == list(range(1, len(writers) * WRITES + 1))
    with open_store(database_url) as store:
        assert store.get("shared").report.title == title_by_revision[store.revision()]
        assert store.count() == len(writers) * WRITES + 1


def test_a_reader_that_follows_the_changes_ends_with_the_same_incidents(database_url: str) -> None:
    with ThreadPoolExecutor(2) as pool, open_store(database_url) as store:
        writing = [pool.submit(write_many, database_url, writer) for writer in "ab"]
        seen, titles = 0, {}
        while not all(future.done() for future in writing) or seen < 2 * WRITES:
            changes = store.changes_since(seen)
            titles |= {found.report.id: found.report.title for found in changes.upserted}
            assert len(titles) == changes.revision + (changes.revision > 0)
            seen = changes.revision
        assert titles == {found.report.id: found.report.title for found in store.incidents()}


def test_an_iteration_sees_one_state(store: IncidentStore) -> None:
    store.upsert([incident(f"INC{number}", "old") for number in range(3_000)])
    with closing(store.incidents()) as iteration:
        first = next(iteration)
        store.upsert([incident(f"INC{number}", "new") for number in range(3_000)])
        titles = {found.report.title for found in (first, *iteration)}
    assert titles == {"old"}


def test_threads_share_one_store(store: IncidentStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        revisions = list(
            pool.map(lambda number: store.upsert([incident(f"INC{number}", "")]), range(40))
        )
    assert sorted(revisions) == list(range(1, 41))
    assert store.count() == 40


def test_opening_needs_no_write_lock(database_url: str) -> None:
    with open_store(database_url) as store:
        store.upsert([incident("INC1", "")])
        with store._database.write(), open_store(database_url) as second:
            assert second.count() == 1
