"""A database is copied in one go while others write it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from factories import incident

from features.errors import StoreUnavailable
from features.store import snapshot
from features.store.snapshot import copy_database
from features.store.store import open_store


def test_writes_during_the_copy_neither_restart_it_nor_appear_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "_PAGES_AT_ONCE", 5)
    source, copy = tmp_path / "precedent.db", tmp_path / "copy.db"
    with open_store(f"sqlite:///{source}") as store:
        store.incidents.upsert([incident(f"INC{number}", "x" * 500) for number in range(300)])
        steps: list[int] = []

        def advance(done: int, of: int) -> None:
            steps.append(done)
            store.incidents.upsert([incident("INC1", f"changed {done} of {of}")])

        copy_database(source, copy, advance)
        assert len(steps) > 10
        assert steps == sorted(set(steps))
        assert store.incidents.get("INC1").report.title.startswith("changed")
    with open_store(f"sqlite:///{copy}") as store:
        assert store.incidents.count() == 300
        assert store.incidents.get("INC1").report.title == "x" * 500


def test_a_damaged_database_is_not_copied_silently(tmp_path: Path) -> None:
    source = tmp_path / "precedent.db"
    with open_store(f"sqlite:///{source}") as store:
        store.incidents.upsert([incident(f"INC{number}", "x" * 500) for number in range(300)])
    with source.open("r+b") as file:
        file.seek(source.stat().st_size // 2)
        file.write(b"\xff" * 20_000)
    with pytest.raises(StoreUnavailable, match="is damaged; restore it from a backup"):
        copy_database(source, tmp_path / "copy.db")


def test_a_copy_has_no_log_beside_it(tmp_path: Path) -> None:
    source, copy = tmp_path / "precedent.db", tmp_path / "copy.db"
    with open_store(f"sqlite:///{source}") as store:
        store.incidents.upsert([incident("INC1")])
        copy_database(source, copy)
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM incidents").fetchone() == (1,)
    assert {path.name for path in tmp_path.iterdir()} == {"precedent.db", "copy.db"}
