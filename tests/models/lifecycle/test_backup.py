"""A home is backed up while it is used, and its copy elsewhere answers as the original does."""

import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest
from factories import incident
from fakes import TRUSTED_WITH_TOY, ToyModel
from starlette.testclient import TestClient

from features.errors import BackupRefused
from features.home import Home, HomeSettings, open_home
from features.store.store import open_store
from models.artifacts.registry import ModelRegistry, ModelVersion
from models.artifacts.save_artifact import save_artifact
from models.lifecycle import backup as backup_module
from models.lifecycle.backup import back_up
from models.lifecycle.backup_manifest import (
    MANIFEST,
    BackupManifest,
    read_manifest,
    write_manifest,
)
from models.lifecycle.restore import restore
from serving.app import create_app
from serving.runtime.settings import ServingSettings
from training.pipeline.register import register


def no_progress(_step: str, _done: int, _of: int) -> None:
    pass


def save(home: Home, folder: Path) -> BackupManifest:
    return back_up(home, folder, store=home.root / "precedent.db", progress=no_progress)


def bring_back(folder: Path, home: Home, *, replace: bool = False) -> BackupManifest:
    return restore(folder, home, replace=replace, progress=no_progress)


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory, toy_examples, toy_card) -> Path:
    folder = tmp_path_factory.mktemp("artifact") / "model"
    save_artifact(ToyModel().fit(toy_examples), toy_card, folder)
    return folder


@pytest.fixture(scope="module")
def fill(
    artifact: Path, toy_card, toy_examples, promote: Callable[..., ModelVersion]
) -> Callable[[Home], Home]:
    """Gives a home a champion, an adapted encoder, incidents, a topology and caches."""

    def fill_home(home: Home) -> Home:
        register(artifact, toy_card, home=home, tenant="default")
        promote("category", "1", home=home, tenant="default")
        with open_store(home.database_url) as store:
            store.incidents.upsert(toy_examples)
        (home.adapted_encoders / "abc").mkdir(parents=True)
        (home.adapted_encoders / "abc" / "weights").write_bytes(b"weights")
        home.topology.write_text("services: {}\n")
        (home.encodings / "cached").write_bytes(b"vectors")
        return home

    return fill_home


@pytest.fixture
def trained_home(home: Home, fill: Callable[[Home], Home]) -> Home:
    """A home that was never restored."""
    return fill(home)


@pytest.fixture(scope="module")
def kept_backup(
    tmp_path_factory: pytest.TempPathFactory, empty_registry: Path, fill: Callable[[Home], Home]
) -> Path:
    """A backup of such a home, from which tests get theirs: registering takes longer."""
    folder = tmp_path_factory.mktemp("kept")
    home = open_home(HomeSettings(home=folder / "home"))
    shutil.copy(empty_registry, home.root / "mlflow.db")
    save(fill(home), folder / "backup")
    return folder / "backup"


@pytest.fixture
def used_home(kept_backup: Path, tmp_path: Path) -> Home:
    """A home as after a restore; its path needs escaping in addresses."""
    home = Home(tmp_path / "a home #1")
    bring_back(kept_backup, home)
    home.encodings.mkdir(parents=True, exist_ok=True)
    (home.encodings / "cached").write_bytes(b"vectors")
    return home


@pytest.fixture
def copied(used_home: Home, tmp_path: Path) -> Path:
    save(used_home, tmp_path / "backup")
    return tmp_path / "backup"


def answers(home: Home, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return what the service answers from a home, without what differs from call to call."""
    monkeypatch.setenv("PRECEDENT_ENCODER", "hashing")
    registry = ModelRegistry(home.tracking_uri, "default", trusted=TRUSTED_WITH_TOY)
    app = create_app(ServingSettings(home=home.root, audit_share=0.0), registry=registry)
    with TestClient(app) as client:
        assert client.get("/health/ready").status_code == 200
        triage = client.post("/v1/triage", json={"incident": {"id": "X1", "title": "vpn down"}})
        stored = client.get("/v1/incidents/INC1")
        models = client.get("/v1/models")
    found = []
    for response in (triage, stored, models):
        assert response.status_code == 200, response.text
        found.append(_comparable(response.json()))
    return found


def _comparable(value: object) -> object:
    if isinstance(value, dict):
        varying = {"request_id", "prediction_id", "seconds", "answered_at", "latency_ms"}
        return {name: _comparable(part) for name, part in value.items() if name not in varying}
    return [_comparable(part) for part in value] if isinstance(value, list) else value


def test_a_restored_copy_answers_as_the_original_did_when_that_is_gone(
    trained_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = tmp_path / "backup"
    save(trained_home, copied)
    expected = answers(trained_home, monkeypatch)
    shutil.rmtree(trained_home.root)
    target = Home(tmp_path / "elsewhere" / "new home")
    bring_back(copied, target)
    shutil.rmtree(copied)
    assert answers(target, monkeypatch) == expected
    (version,) = ModelRegistry(target.tracking_uri, "default").champions().values()
    assert version.folder.is_relative_to(target.root)
    assert str(trained_home.root) not in _all_addresses(target)
    assert (target.adapted_encoders / "abc" / "weights").read_bytes() == b"weights"
    assert target.topology.read_text() == "services: {}\n"
    assert not (target.encodings / "cached").exists()


def _all_addresses(home: Home) -> str:
    with closing(sqlite3.connect(home.root / "mlflow.db")) as connection:
        return "\n".join(connection.iterdump())


def test_a_copy_of_a_copy_names_its_own_artifacts(copied: Path, tmp_path: Path) -> None:
    first, second = Home(tmp_path / "first"), Home(tmp_path / "second")
    bring_back(copied, first)
    save(first, tmp_path / "again")
    bring_back(tmp_path / "again", second)
    assert str(first.root) not in _all_addresses(second)


def test_training_goes_on_in_a_restored_home(
    copied: Path, tmp_path: Path, artifact: Path, toy_card
) -> None:
    target = Home(tmp_path / "restored")
    bring_back(copied, target)
    version = register(artifact, toy_card, home=target, tenant="default")
    assert version.folder.is_relative_to(target.root)


def test_a_home_is_backed_up_whole_while_versions_are_registered_and_incidents_written(
    used_home: Home, tmp_path: Path, artifact: Path, toy_card
) -> None:
    ended, acknowledged, errors = Event(), [], []

    def use() -> None:
        try:
            with open_store(used_home.database_url) as store:
                number = 0
                while not ended.is_set():
                    store.incidents.upsert([incident(f"NEW{number}")])
                    acknowledged.append(f"NEW{number}")
                    number += 1
                    if number % 20 == 0:
                        register(artifact, toy_card, home=used_home, tenant="default")
        except BaseException as error:
            errors.append(error)
            raise

    thread = Thread(target=use)
    thread.start()
    try:
        for number in range(5):
            before = list(acknowledged)
            save(used_home, tmp_path / f"backup{number}")
            target = Home(tmp_path / f"restored{number}")
            bring_back(tmp_path / f"backup{number}", target)
            registry = ModelRegistry(target.tracking_uri, "default", trusted=TRUSTED_WITH_TOY)
            for version in registry.versions("category"):
                registry.load(version)
            with open_store(target.database_url) as store:
                assert len(store.incidents.find(before)) == len(before)
    finally:
        ended.set()
        thread.join()
    assert errors == []


@pytest.mark.parametrize("name", ["mlflow.db", "precedent.db", "topology.yaml", MANIFEST])
@pytest.mark.parametrize("is_missing", [True, False], ids=["missing", "changed"])
def test_a_damaged_or_incomplete_backup_changes_nothing(
    copied: Path, tmp_path: Path, name: str, is_missing: bool
) -> None:
    file = copied / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.unlink()
    if not is_missing:
        file.write_bytes(content)
    target = Home(tmp_path / "target")
    target.root.mkdir()
    with pytest.raises(BackupRefused, match="use another"):
        bring_back(copied, target)
    assert list(target.root.iterdir()) == []


def test_a_home_that_is_not_empty_is_kept_unless_replacing_is_asked_for(
    used_home: Home, copied: Path
) -> None:
    with open_store(used_home.database_url) as store:
        store.incidents.upsert([incident("LATER")])
    with pytest.raises(BackupRefused, match=r"is not empty; .* --replace"):
        bring_back(copied, used_home)
    for _ in range(2):
        bring_back(copied, used_home, replace=True)
    with open_store(used_home.database_url) as store:
        assert store.incidents.get("LATER") is None
    first = min(used_home.root.glob("before-restore-*"))
    with open_store(f"sqlite:///{first / 'precedent.db'}") as store:
        assert store.incidents.get("LATER") is not None


@pytest.mark.parametrize("failing", range(8))
def test_a_restore_that_fails_while_it_moves_files_leaves_the_home_as_it_was(
    used_home: Home, copied: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    before, rename, moved = contents(used_home), Path.rename, []

    def fail(path: Path, target: Path) -> Path:
        moved.append(path)
        if len(moved) == failing + 1:
            raise OSError(errno.EBUSY, "Device or resource busy", str(path))
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fail)
        with pytest.raises(OSError, match="busy"):
            bring_back(copied, used_home, replace=True)
    assert contents(used_home) == before
    bring_back(copied, used_home, replace=True)


def contents(home: Home) -> dict[str, bytes | None]:
    """Return the content of every file of a home, None for a folder."""
    return {
        path.relative_to(home.root).as_posix(): path.read_bytes() if path.is_file() else None
        for path in home.root.rglob("*")
    }


KILLED = """
import os, sys
from pathlib import Path
from features.home import Home, HomeSettings, open_home
from models.lifecycle import backup_manifest
from models.lifecycle.backup import back_up
from models.lifecycle.restore import restore
home, backup = Home(Path(sys.argv[1])), Path(sys.argv[2])
def stop(step, done, of):
    print(os.getpid(), flush=True)
    os.kill(os.getpid(), 9)
if sys.argv[3] == "restore":
    restore(backup, home, replace=True, progress=stop)
else:
    back_up(home, backup, store=home.root / "precedent.db", progress=stop)
"""


def kill(home: Home, folder: Path, action: str) -> int:
    """Kill a backup or a restore after its first step; returns the number of the process."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", KILLED, str(home.root), str(folder), action]
    child = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    assert child.returncode == -9, child.stderr
    return int(child.stdout)


def test_a_killed_backup_does_not_stop_the_next_one(
    used_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "backups" / "monday"
    pid = kill(used_home, folder, "back up")
    (draft,) = folder.parent.iterdir()
    (folder.parent / f"monday.{pid}.partial").mkdir()
    (folder.parent / "tuesday.1.partial").mkdir()
    monkeypatch.setattr(os, "getpid", lambda: pid)
    save(used_home, folder)
    assert not draft.exists()
    assert {path.name for path in folder.parent.iterdir()} == {"monday", "tuesday.1.partial"}


def test_a_killed_restore_does_not_stop_the_next_one(
    used_home: Home, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = kill(used_home, copied, "restore")
    assert list(used_home.root.glob(".restoring-*"))
    (used_home.root / f".restoring-{pid}").mkdir(exist_ok=True)
    monkeypatch.setattr(os, "getpid", lambda: pid)
    bring_back(copied, used_home, replace=True)
    assert not list(used_home.root.glob(".restoring-*"))


def test_a_backup_that_runs_keeps_its_files_when_another_begins(
    used_home: Home, tmp_path: Path
) -> None:
    folder = tmp_path / "backups" / "monday"
    begun = []

    def begin_another(step: str, _done: int, _of: int) -> None:
        if step == "bytes of files" and not begun:
            begun.append(True)
            save(used_home, folder)
            shutil.rmtree(folder)

    back_up(used_home, folder, store=used_home.root / "precedent.db", progress=begin_another)
    assert begun
    bring_back(folder, Home(tmp_path / "target"))


def test_a_backup_has_its_name_only_when_it_is_complete(
    used_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(backup_module, "write_manifest", fail)
    folder = tmp_path / "backups" / "first"
    with pytest.raises(OSError, match="No space"):
        save(used_home, folder)
    assert list(folder.parent.iterdir()) == []


def test_a_backup_goes_into_a_new_folder_outside_of_the_home(
    used_home: Home, tmp_path: Path
) -> None:
    with pytest.raises(BackupRefused, match="is inside of the home"):
        save(used_home, used_home.root / "backups" / "1")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(BackupRefused, match="is not empty"):
        save(used_home, tmp_path / "full")


def test_artifacts_without_their_registry_or_outside_of_the_home_are_refused(
    used_home: Home, three_versions: Home, tmp_path: Path
) -> None:
    registry = used_home.root / "mlflow.db"
    shutil.copy(three_versions.root / "mlflow.db", registry)
    with pytest.raises(BackupRefused, match="outside of the home's folder of artifacts"):
        save(used_home, tmp_path / "backup")
    registry.unlink()
    with pytest.raises(BackupRefused, match="is missing beside the artifacts"):
        save(used_home, tmp_path / "backup")


def test_a_version_whose_files_are_missing_is_refused(used_home: Home, tmp_path: Path) -> None:
    (manifest,) = used_home.artifacts.glob("models/*/artifacts/data/artifact/manifest.json")
    manifest.unlink()
    with pytest.raises(BackupRefused, match=r"registered version in .* are missing"):
        save(used_home, tmp_path / "backup")


@pytest.mark.parametrize("name", ["", "artifacts", "artifacts/encoders/abc"])
def test_a_folder_that_cannot_be_read_is_refused(
    used_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    unreadable, scan = used_home.root / name, os.scandir

    def refuse(path: str) -> object:
        if path == str(unreadable):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(BackupRefused, match=rf"{unreadable} cannot be read \(Permission denied\)"):
        save(used_home, tmp_path / "backup")


def test_a_folder_that_a_training_deletes_meanwhile_is_left_out(
    used_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary, scan = used_home.artifacts / "temporary", os.scandir
    temporary.mkdir()

    def delete_first(path: str) -> object:
        if path == str(temporary):
            temporary.rmdir()
        return scan(path)

    monkeypatch.setattr(os, "scandir", delete_first)
    save(used_home, tmp_path / "backup")


@pytest.mark.parametrize("is_link", [False, True], ids=["file", "link"])
def test_a_store_at_another_path_in_the_home_is_copied_once(
    used_home: Home, tmp_path: Path, is_link: bool
) -> None:
    file = used_home.root / "data" / "incidents.db"
    file.parent.mkdir()
    if is_link:
        file.symlink_to(tmp_path / "incidents.db")
    with open_store(f"sqlite:///{file}") as store:
        store.incidents.upsert([incident("INC7")])
        (file.parent / "incidents.db-journal").touch()
        (file.parent / "notes").touch()
        (tmp_path / "by another name").symlink_to(used_home.root)
        for number, path in enumerate((file, tmp_path / "by another name/data/incidents.db")):
            folder = tmp_path / f"backup{number}"
            back_up(used_home, folder, store=path, progress=no_progress)
            assert [path.name for path in (folder / "data").iterdir()] == ["notes"]
            with open_store(f"sqlite:///{folder / 'precedent.db'}") as copy:
                assert copy.incidents.get("INC7") is not None


def test_a_link_is_refused(used_home: Home, tmp_path: Path) -> None:
    (used_home.artifacts / "link").symlink_to(tmp_path)
    with pytest.raises(BackupRefused, match="is a link"):
        save(used_home, tmp_path / "backup")


def test_a_home_is_found_by_a_link_to_it(used_home: Home, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(used_home.root)
    save(Home(link), tmp_path / "backup")
    target = Home(tmp_path / "target")
    bring_back(tmp_path / "backup", target)
    assert str(used_home.root) not in _all_addresses(target)


def test_the_manifest_lists_every_file_with_its_hash(copied: Path) -> None:
    listed = {file["path"] for file in json.loads((copied / MANIFEST).read_text())["files"]}
    present = {path.relative_to(copied).as_posix() for path in copied.rglob("*") if path.is_file()}
    assert present - listed == {MANIFEST, f"{MANIFEST}.sha256"}
    assert listed <= present


def test_a_path_that_leaves_the_backup_is_refused(copied: Path, tmp_path: Path) -> None:
    manifest = read_manifest(copied)
    away = manifest.files[0].model_copy(update={"path": "../away"})
    write_manifest(copied, manifest.model_copy(update={"files": (away,)}))
    with pytest.raises(BackupRefused, match="outside of the backup"):
        bring_back(copied, Home(tmp_path / "target"))
