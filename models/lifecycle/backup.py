"""Backs up a home while the service runs and models are trained."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from hashlib import file_digest
from pathlib import Path

from features.errors import BackupRefused
from features.home import Home
from features.store.snapshot import copy_database
from features.store.sqlite_files import database_files
from models.artifacts.manifest import DATA_FOLDER, ArtifactFolder
from models.artifacts.relocation import find_artifact_roots, version_folders
from models.lifecycle.backup_manifest import (
    FORMAT,
    BackedUpFile,
    BackupManifest,
    copy_hashed,
    write_manifest,
)
from models.lifecycle.drafts import draft_folder
from models.lifecycle.promotion import promotion_lock

Progress = Callable[[str, int, int], None]
"""Called with a step's name, the number of units done and their total."""

STORE = "precedent.db"
REGISTRY = "mlflow.db"
BEFORE_RESTORE = "before-restore-"
"""The beginning of the name of the folder to which a restore moves what a home held before."""
RESTORING = ".restoring-"
"""The beginning of the name of the folder into which a restore copies a backup."""

_REBUILT = frozenset({"cache", "indexes"})
_DATABASE_FILES = (STORE, REGISTRY)


def back_up(
    home: Home,
    destination: Path,
    *,
    store: Path | None,
    store_elsewhere: str | None = None,
    progress: Progress,
) -> BackupManifest:
    """Write a backup of a home into a new or empty folder.

    `store` is the SQLite file of the store, None if the store is elsewhere; `store_elsewhere` then
    states where. The backup gets its name when it is complete. The databases are copied before the
    artifacts, so that the artifacts of every version that the copied registry names are there.
    Raises `BackupRefused`, `StoreUnavailable` and `RegistryUnavailable`.
    """
    destination = destination.absolute()
    _refuse_destination(home, destination)
    with _draft(destination) as draft:
        _copy_databases(home, draft, store, progress)
        roots = _check_registry(home, draft)
        left_out = frozenset() if store is None else database_files(store)
        sources = list(_listed_files(home, left_out))
        files = [*_copied_databases(draft), *_copy_files(home, draft, sources, progress)]
        _check_artifacts(home, draft)
        manifest = BackupManifest(
            format=FORMAT,
            created_at=datetime.now(UTC),
            home=str(home.root),
            artifact_roots=roots,
            store_elsewhere=store_elsewhere,
            files=tuple(files),
        )
        write_manifest(draft, manifest)
    return manifest


def _refuse_destination(home: Home, destination: Path) -> None:
    if destination.resolve().is_relative_to(home.root.resolve()):
        raise BackupRefused(f"{destination} is inside of the home; name a folder outside of it")
    if destination.exists() and not (destination.is_dir() and not any(destination.iterdir())):
        raise BackupRefused(f"{destination} is not empty; name a new folder for each backup")


@contextmanager
def _draft(destination: Path) -> Iterator[Path]:
    """Yield a folder that becomes the backup if the block succeeds, and is deleted if it fails."""
    with draft_folder(destination.parent, f"{destination.name}.", ".partial") as draft:
        yield draft
        _write_to_disk(draft)
        draft.replace(destination)


def _write_to_disk(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _copy_databases(home: Home, draft: Path, store: Path | None, progress: Progress) -> None:
    # The audit log in the store names the champions of the registry: no promotion in between.
    with promotion_lock(home):
        for name, source in ((STORE, store), (REGISTRY, home.root / REGISTRY)):
            if source is not None and source.exists():
                copy_database(source, draft / name, partial(progress, name))


def _check_registry(home: Home, draft: Path) -> tuple[str, ...]:
    if (draft / REGISTRY).exists():
        return find_artifact_roots(draft / REGISTRY, home.artifacts)
    if home.artifacts.is_dir() and any(home.artifacts.iterdir()):
        raise BackupRefused(
            f"{home.root / REGISTRY} is missing beside the artifacts; restore it from a backup"
        )
    return ()


def _copied_databases(draft: Path) -> Iterator[BackedUpFile]:
    for file in (draft / name for name in _DATABASE_FILES):
        if file.exists():
            with file.open("rb") as content:
                digest = file_digest(content, "sha256").hexdigest()
            yield BackedUpFile(path=file.name, sha256=digest, bytes=file.stat().st_size)


def _copy_files(
    home: Home, draft: Path, sources: list[Path], progress: Progress
) -> Iterator[BackedUpFile]:
    total, done = sum(file.stat().st_size for file in sources if file.exists()), 0

    def advance(size: int) -> None:
        nonlocal done
        done += size
        progress("bytes of files", min(done, total), total)

    for source in sources:
        path = source.relative_to(home.root)
        try:
            digest = copy_hashed(source, draft / path, advance)
        except FileNotFoundError:
            # A training deletes its temporary files. What a version needs is checked afterwards.
            continue
        size = (draft / path).stat().st_size
        yield BackedUpFile(path=path.as_posix(), sha256=digest, bytes=size)


def _listed_files(home: Home, left_out: frozenset[Path]) -> Iterator[Path]:
    """Yield the files of a home except databases and what is rebuilt when it is missing.

    `left_out` has the paths of the store's files, which may be anywhere in the home.
    """

    def refuse(error: OSError) -> None:
        # A training deletes its temporary folders.
        if isinstance(error, FileNotFoundError) and Path(error.filename) != home.root:
            return
        raise BackupRefused(
            f"{error.filename} cannot be read ({error.strerror}); check PRECEDENT_HOME, and that "
            "the user that runs this may read all of it"
        )

    for folder, folders, names in os.walk(home.root, onerror=refuse):
        path = Path(folder)
        real = path.resolve()
        names = [name for name in names if real / name not in left_out]
        if path == home.root:
            folders[:] = [name for name in folders if not _is_left_out(name)]
            names = [name for name in names if not name.startswith(_DATABASE_FILES)]
        for name in (*folders, *names):
            # Following links could copy the same files again and again.
            if (path / name).is_symlink():
                raise BackupRefused(
                    f"{path / name} is a link, which a backup does not follow; move what it names "
                    "into the home"
                )
        yield from (path / name for name in names)


def _is_left_out(name: str) -> bool:
    return name in _REBUILT or name.startswith((BEFORE_RESTORE, RESTORING))


def _check_artifacts(home: Home, draft: Path) -> None:
    if not (draft / REGISTRY).exists():
        return
    root = home.artifacts.resolve()
    for folder in version_folders(draft / REGISTRY):
        copied = draft / "artifacts" / folder.resolve().relative_to(root)
        if not ArtifactFolder(copied / DATA_FOLDER).manifest.is_file():
            raise BackupRefused(
                f"the files of the registered version in {folder} are missing; restore them from "
                "an earlier backup, or delete the version"
            )
