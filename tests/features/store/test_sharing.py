"""Many processes and threads on one store: nothing is lost, and revisions are distinct."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from threading import Barrier

import pytest
from factories import incident

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.store.store import Store, open_store

WRITES = 15


def write_many(url: str, writer: str) -> dict[int, str]:
    """Open the store, write one shared and one own incident each time; return what by revision."""
    with open_store(url) as store:
        return {
            store.incidents.upsert([incident("shared", title), incident(title, title)]): title
            for title in (f"{writer}-{number}" for number in range(WRITES))
        }


@pytest.mark.quality
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
        assert (
            store.incidents.get("shared").report.title
            == title_by_revision[store.incidents.revision()]
        )
        assert store.incidents.count() == len(writers) * WRITES + 1


def test_a_reader_that_follows_the_changes_ends_with_the_same_incidents(database_url: str) -> None:
    with ThreadPoolExecutor(2) as pool, open_store(database_url) as store:
        writing = [pool.submit(write_many, database_url, writer) for writer in "ab"]
        seen, titles = 0, {}
        while not all(future.done() for future in writing) or seen < 2 * WRITES:
            changes = store.incidents.changes_since(seen)
            titles |= {example.report.id: example.report.title for example in changes.upserted}
            assert len(titles) == changes.revision + (changes.revision > 0)
            seen = changes.revision
        assert titles == {
            example.report.id: example.report.title for example in store.incidents.all()
        }


def test_of_two_updates_at_one_moment_the_last_one_stays_whole(store: Store) -> None:
    start = Barrier(2)

    def update(word: str) -> tuple[int, ResolvedIncident]:
        report = IncidentReport(id="INC1", title=word, description=word, attributes={"x": word})
        written = ResolvedIncident(report, Outcome(category=word, resolution=word))
        start.wait()
        return store.incidents.upsert([written]), written

    with ThreadPoolExecutor(2) as pool:
        for round_number in range(10):
            words = [f"{writer} {round_number}" for writer in "ab"]
            written = dict(pool.map(update, words))
            assert len(written) == 2
            assert store.incidents.get("INC1") == written[store.incidents.revision()]
            assert store.incidents.changes_since(max(written) - 1).upserted == (
                written[max(written)],
            )


def test_an_update_and_a_deletion_at_one_moment_end_as_the_last_of_them(
    store: Store,
) -> None:
    start = Barrier(2)

    def update() -> int:
        start.wait()
        return store.incidents.upsert([incident("INC1", "back")])

    def remove() -> bool:
        start.wait()
        return store.incidents.delete("INC1")

    with ThreadPoolExecutor(2) as pool:
        for _ in range(10):
            store.incidents.upsert([incident("INC1", "there")])
            seen = store.incidents.revision()
            updating, removing = pool.submit(update), pool.submit(remove)
            assert removing.result()
            is_back = updating.result() == store.incidents.revision() == seen + 2
            assert store.incidents.get("INC1") == (incident("INC1", "back") if is_back else None)
            assert store.incidents.changes_since(seen).deleted == (() if is_back else ("INC1",))


def test_an_iteration_sees_one_state(store: Store) -> None:
    store.incidents.upsert([incident(f"INC{number}", "old") for number in range(3_000)])
    with closing(store.incidents.all()) as iteration:
        first = next(iteration)
        store.incidents.upsert([incident(f"INC{number}", "new") for number in range(3_000)])
        titles = {example.report.title for example in (first, *iteration)}
    assert titles == {"old"}


def test_threads_share_one_store(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        revisions = list(
            pool.map(
                lambda number: store.incidents.upsert([incident(f"INC{number}", "")]), range(40)
            )
        )
    assert sorted(revisions) == list(range(1, 41))
    assert store.incidents.count() == 40


def test_opening_needs_no_write_lock(database_url: str) -> None:
    with open_store(database_url) as store:
        store.incidents.upsert([incident("INC1", "")])
        with store._database.write(), open_store(database_url) as second:
            assert second.incidents.count() == 1
