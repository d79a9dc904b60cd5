"""The store knows whether writes work, also when nobody writes."""

import time
from pathlib import Path

import pytest
from factories import incident

from features.errors import StoreUnavailable
from features.store import write_check
from features.store.store import Store, open_store
from features.store.write_check import WriteCheck


def wait_until(store: Store, *, works: bool) -> None:
    until = time.monotonic() + 60
    while store.writes_work() is not works:
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_check, "_SECONDS_OF_FAILURE", 0.01)


def fill(store: Store, *, is_full: bool) -> None:
    with store._database.write() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        most = pages if is_full else 1_000_000
        connection.exec_driver_sql(f"PRAGMA max_page_count = {most}")


def test_a_full_disk_is_known_until_a_write_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(f"sqlite:///{tmp_path}/precedent.db") as store:
        assert store.writes_work()
        fill(store, is_full=True)
        monkeypatch.setattr(write_check, "_SECONDS_OF_FAILURE", 60.0)
        with pytest.raises(StoreUnavailable, match="no disk space"):
            store.incidents.upsert([incident("INC1", "x" * 100_000)])
        assert not store.writes_work()
        fill(store, is_full=False)
        assert store.writes_work()


def test_a_store_that_is_only_read_tries_to_write(tmp_path: Path) -> None:
    file = tmp_path / "home" / "precedent.db"
    file.parent.mkdir()
    with open_store(f"sqlite:///{file}") as store:
        store.incidents.count()
    with open_store(f"sqlite:///{file}") as store:
        with store._database._writers.connection(1) as connection:
            connection.exec_driver_sql("PRAGMA query_only = ON")
        wait_until(store, works=False)
        with store._database._writers.connection(1) as connection:
            connection.exec_driver_sql("PRAGMA query_only = OFF")
        wait_until(store, works=True)
        file.parent.rename(tmp_path / "away")
        store._database.write_check._certain_until = 0.0
        wait_until(store, works=False)
        (tmp_path / "away").rename(file.parent)
        wait_until(store, works=True)


def test_a_database_that_is_busy_works() -> None:
    check = WriteCheck(lambda: None)
    check.note(None)
    check.note(StoreUnavailable("the database is busy; try again when the other writer is done"))
    assert check.works()
