"""A database that is missing, busy, full, damaged or foreign: one clear line each."""

import sqlite3
from pathlib import Path
from time import perf_counter

import pytest
from factories import incident

from features.errors import StoreUnavailable
from features.store import database
from features.store.counters import move_revision
from features.store.store import open_store
from features.store.tables import RevisionRow


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"nowhere/precedent.db cannot be opened; check"):
        open_store(f"sqlite:///{tmp_path}/nowhere/precedent.db")


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database at all\n" * 100)
    with pytest.raises(StoreUnavailable, match="is not an SQLite file"):
        open_store(f"sqlite:///{tmp_path}/notes.txt")


def test_a_writer_that_does_not_end(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/precedent.db?timeout=0.1"
    with open_store(url) as store:
        other = sqlite3.connect(tmp_path / "precedent.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        started = perf_counter()
        with pytest.raises(StoreUnavailable, match=r"precedent.db is busy; try again"):
            store.incidents.upsert([incident("INC1")])
        assert perf_counter() - started < 5
        assert store.incidents.count() == 0
        other.execute("ROLLBACK")
        other.close()
        assert store.incidents.upsert([incident("INC1")]) == 1


def test_a_writer_that_does_not_end_on_a_server(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_SECONDS", 0.1)
    with open_store(postgresql_url) as store, open_store(postgresql_url) as other:
        with store._database.write() as connection:
            move_revision(connection, RevisionRow, "default")
            with pytest.raises(StoreUnavailable, match="is busy; try again"):
                other.incidents.upsert([incident("INC1")])
        assert other.incidents.upsert([incident("INC1")]) == 2


def test_a_full_disk_keeps_what_was_there(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/precedent.db") as store:
        store.incidents.upsert([incident("INC1")])
        with store._database.write() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 1}")
        with pytest.raises(StoreUnavailable, match="has no disk space left"):
            store.incidents.upsert(
                [incident(f"INC{number}", description="x" * 10_000) for number in range(100)]
            )
        assert (store.incidents.count(), store.incidents.revision()) == (1, 1)


def test_a_deleted_text_is_nowhere_in_the_file(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/precedent.db") as store:
        store.incidents.upsert(
            [incident("INC1", description="kept-text"), incident("INC2", description="secret-text")]
        )
        store.incidents.delete("INC2")
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"kept-text" in content
    assert b"secret-text" not in content


@pytest.mark.parametrize("url", ["", "precedent.db", "sqlite", "mysql://host/name"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(StoreUnavailable, match="write sqlite:///FILE or postgresql://"):
        open_store(url)


@pytest.mark.parametrize("timeout", ["abc", "nan", "inf", "-1", "1e9", "1&timeout=2"])
def test_a_timeout_that_is_no_number_of_seconds(tmp_path: Path, timeout: str) -> None:
    with pytest.raises(StoreUnavailable, match=r"timeout .* write a number of seconds"):
        open_store(f"sqlite:///{tmp_path}/precedent.db?timeout={timeout}")


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///precedent.db?cached_statements=abc",
        "sqlite://host/precedent.db",
        "postgresql://triage:geheim@host:port/precedent",
    ],
)
def test_an_address_with_a_part_that_cannot_be_read(url: str) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be read; write sqlite:///FILE") as caught:
        open_store(url)
    assert "geheim" not in str(caught.value)


def test_a_server_that_does_not_answer_without_showing_the_password() -> None:
    pytest.importorskip("psycopg", reason="the PostgreSQL driver is not installed")
    with pytest.raises(StoreUnavailable, match="does not answer") as caught:
        open_store("postgresql://triage:geheim@127.0.0.1:1/precedent")
    assert "geheim" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_database_answers(database_url: str) -> None:
    with open_store(database_url) as store:
        store.incidents.revision()


def test_a_read_notices_a_database_that_is_gone(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/precedent.db")
    store.close()
    for path in tmp_path.iterdir():
        path.unlink()
    tmp_path.rmdir()
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        store.incidents.revision()
