"""Nothing of a deleted incident stays in the files of an embedded database."""

from contextlib import closing
from pathlib import Path
from time import perf_counter

import pytest
from factories import incident

from features.domain.report import ResolvedIncident
from features.store.database import Database
from features.store.store import Store, open_store

_MARKER = "zebrafink"


def marked_incident(number: int, words: int = 20) -> ResolvedIncident:
    text = " ".join([_MARKER] * words)
    return incident(f"INC{number}", text, attributes={"site": text}, resolution=text)


def files_with_marker(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if _MARKER.encode() in path.read_bytes()]


@pytest.fixture
def sqlite_store(tmp_path: Path):
    with open_store(f"sqlite:///{tmp_path / 'precedent.db'}") as opened:
        yield opened


@pytest.mark.parametrize("words", [1, 20, 5_000], ids=["short", "usual", "longer than a page"])
def test_no_byte_of_the_text_stays(sqlite_store: Store, tmp_path: Path, words: int) -> None:
    sqlite_store.incidents.upsert([marked_incident(number, words) for number in range(40)])
    sqlite_store.incidents.upsert([marked_incident(number, words + 1) for number in range(40)])
    assert files_with_marker(tmp_path)
    for number in range(40):
        sqlite_store.incidents.delete(f"INC{number}")
    assert files_with_marker(tmp_path) == []


def test_the_log_of_another_process_is_emptied_too(sqlite_store: Store, tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path / 'precedent.db'}") as other:
        other.incidents.upsert([marked_incident(1)])
        sqlite_store.incidents.delete("INC1")
        assert files_with_marker(tmp_path) == []
        assert other.incidents.count() == 0


def test_a_long_reader_delays_the_emptying_and_not_the_deletion(
    sqlite_store: Store, tmp_path: Path
) -> None:
    sqlite_store.incidents.upsert([marked_incident(number) for number in range(3)])
    with closing(sqlite_store.incidents.all()) as iteration:
        next(iteration)
        started = perf_counter()
        assert sqlite_store.incidents.delete("INC1")
        assert perf_counter() - started < 5
        assert len(list(iteration)) == 2
    sqlite_store.incidents.delete("INC0")
    sqlite_store.incidents.delete("INC2")
    assert files_with_marker(tmp_path) == []


def test_emptying_says_whether_it_could_and_keeps_the_patience_with_writers(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'precedent.db'}"
    with open_store(url) as store, closing(store.incidents.all()) as iteration:
        store.incidents.upsert([marked_incident(number) for number in range(2_000)])
        next(iteration)
        store.incidents.upsert([marked_incident(1, words=1)])
        database = Database(url)
        assert not database.empty_log()
        iteration.close()
        assert database.empty_log()
        with database.write() as connection:
            usual = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
            assert 9_000 < usual <= 10_000
        database.close()


def test_every_database_can_be_asked(database_url: str) -> None:
    database = Database(database_url)
    assert database.empty_log()
    database.close()
