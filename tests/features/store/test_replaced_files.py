"""A database file that is removed or replaced while it is open: nothing more is acknowledged."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from factories import incident

from features.errors import StoreUnavailable
from features.store.sqlite_files import DatabaseFile
from features.store.store import Store, open_store

SUFFIXES = ("", "-wal", "-shm")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder / "precedent.db"


@pytest.fixture
def opened(file: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{file}") as store:
        store.incidents.upsert([incident("INC1")])
        yield store


def move(file: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for suffix in SUFFIXES:
        if (source := file.with_name(file.name + suffix)).exists():
            source.rename(folder / source.name)


def assert_refuses(store: Store, message: str) -> None:
    with pytest.raises(StoreUnavailable, match=message):
        store.incidents.count()
    with pytest.raises(StoreUnavailable, match=message):
        store.incidents.upsert([incident("INC2")])


def damage(file: Path) -> str:
    with closing(sqlite3.connect(file)) as connection:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])


def test_a_removed_home_takes_no_writes_and_is_not_created_again(opened: Store, file: Path) -> None:
    shutil.rmtree(file.parent)
    assert_refuses(opened, r"was removed while it was in use; move the same file back, or stop")
    file.parent.mkdir()
    assert_refuses(opened, "was removed while it was in use")
    assert list(file.parent.iterdir()) == []


def test_new_connections_do_not_create_a_removed_file_again(opened: Store, file: Path) -> None:
    move(file, file.parent / "away")
    with ThreadPoolExecutor(8) as pool:
        for attempt in [pool.submit(opened.incidents.count) for _ in range(8)]:
            with pytest.raises(StoreUnavailable, match="was removed"):
                attempt.result()
    assert not file.exists()


def test_the_same_file_is_used_again_when_it_is_back(opened: Store, file: Path) -> None:
    move(file, file.parent / "away")
    assert_refuses(opened, "was removed")
    move(file.parent / "away" / file.name, file.parent)
    assert opened.incidents.count() == 1
    opened.incidents.upsert([incident("INC2")])
    assert opened.incidents.count() == 2


def test_a_replaced_file_is_refused_until_a_restart(
    opened: Store, file: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.db"
    with open_store(f"sqlite:///{other}") as store:
        store.incidents.upsert([incident(f"OTHER{number}") for number in range(500)])
    other.replace(file)
    assert_refuses(opened, r"was replaced by another one .* restart the service")
    # A restart closes the store, and opens the file that is there.
    opened.close()
    with open_store(f"sqlite:///{file}") as store:
        assert store.incidents.count() == 500
    assert damage(file) == "ok"


def test_a_killed_process_leaves_no_log_that_damages_the_new_file(
    file: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.db"
    with open_store(f"sqlite:///{other}") as store:
        store.incidents.upsert([incident(f"OTHER{number}") for number in range(500)])
    killed = f"""
import os
from factories import incident
from features.errors import StoreUnavailable
from features.store.sqlite_files import DatabaseFile
from features.store.store import open_store
store = open_store("sqlite:///{file}")
for number in range(40):
    store.incidents.upsert([incident(f"INC{{number}}", "x" * 3000)])
os.replace("{other}", "{file}")
try:
    store.incidents.count()
except StoreUnavailable:
    os._exit(7)
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    child = subprocess.run([sys.executable, "-c", killed], check=False, env=environment)
    assert child.returncode == 7
    assert damage(file) == "ok"
    with open_store(f"sqlite:///{file}") as store:
        assert store.incidents.count() == 500


def test_a_replaced_file_that_is_moved_back_keeps_its_newest_writes(
    opened: Store, file: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE other (number)")
    first = tmp_path / "first.db"
    file.rename(first)
    (tmp_path / "other.db").rename(file)
    assert_refuses(opened, "was replaced")
    first.replace(file)
    assert opened.incidents.get("INC1") == incident("INC1")
    opened.close()
    assert damage(file) == "ok"
    with open_store(f"sqlite:///{file}") as store:
        assert store.incidents.count() == 1


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_a_removed_log_is_refused_and_a_restart_keeps_what_it_held(
    opened: Store, file: Path, suffix: str
) -> None:
    file.with_name(file.name + suffix).unlink()
    assert_refuses(opened, r"hold the newest changes, were removed .* stop all processes")
    opened.close()
    with open_store(f"sqlite:///{file}") as store:
        assert store.incidents.get("INC1") == incident("INC1")
    assert damage(file) == "ok"


def test_a_file_that_is_removed_during_a_write_acknowledges_nothing(
    opened: Store, file: Path
) -> None:
    def write() -> None:
        with opened._database.write() as connection:
            connection.exec_driver_sql("DELETE FROM incidents")
            move(file, file.parent / "away")

    with pytest.raises(StoreUnavailable, match="was removed"):
        write()


def test_a_file_system_without_write_ahead_logs_is_used_without_one(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = DatabaseFile.uri.fget
    monkeypatch.setattr(DatabaseFile, "uri", property(lambda it: f"{uri(it)}&vfs=unix-dotfile"))
    with open_store(f"sqlite:///{file}") as store:
        store.incidents.upsert([incident("INC1")])
        assert store.incidents.count() == 1
        assert not file.with_name(f"{file.name}-wal").exists()
        assert store._database.empty_log()
        file.rename(tmp_path / "first.db")
        shutil.copy(tmp_path / "first.db", file)
        assert_refuses(store, "was replaced by another one")
        file.unlink()
        assert_refuses(store, "was removed while it was in use")


def test_a_database_that_is_a_link_has_its_log_beside_the_file_it_names(
    file: Path, tmp_path: Path
) -> None:
    real = tmp_path / "incidents.db"
    file.symlink_to(real)
    with open_store(f"sqlite:///{file}") as store:
        store.incidents.upsert([incident("INC1")])
        assert store.incidents.count() == 1
        real.with_name("incidents.db-wal").unlink()
        assert_refuses(store, "hold the newest changes, were removed")
