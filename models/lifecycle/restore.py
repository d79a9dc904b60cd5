"""Restores a backup into any folder, which then holds nothing that refers to the original home."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from features.errors import BackupRefused
from features.home import Home
from models.artifacts.manifest import DATA_FOLDER, ArtifactFolder
from models.artifacts.relocation import move_artifacts, version_folders
from models.lifecycle.backup import BEFORE_RESTORE, REGISTRY, RESTORING, STORE, Progress
from models.lifecycle.backup_manifest import (
    BackedUpFile,
    BackupManifest,
    copy_hashed,
    read_manifest,
)


def restore(backup: Path, home: Home, *, replace: bool, progress: Progress) -> BackupManifest:
    """Copy a backup into a home, check every file, and let its registry name the new folder.

    Nothing in the home changes before the whole backup was copied and checked. With `replace`, what
    the home held before is moved into a folder of its own inside the home. Raises `BackupRefused`
    if the backup is damaged or incomplete, or if the home is not empty and `replace` is False.
    """
    manifest = read_manifest(backup)
    present = [path for path in _entries(home) if not path.name.startswith(RESTORING)]
    if present and not replace:
        raise BackupRefused(
            f"{home.root} is not empty; name an empty folder, or move what is there aside with "
            "--replace"
        )
    with _draft(home) as draft:
        _copy(backup, manifest, draft, progress)
        _relocate(manifest, home, draft)
        _move_aside([path for path in present if not path.name.startswith(BEFORE_RESTORE)], home)
        _move_in(draft, home)
    return manifest


def _entries(home: Home) -> list[Path]:
    return sorted(home.root.iterdir()) if home.root.exists() else []


@contextmanager
def _draft(home: Home) -> Iterator[Path]:
    # Inside of the home, because a rename must not cross file systems.
    draft = home.root / f"{RESTORING}{os.getpid()}"
    draft.mkdir(parents=True)
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _copy(backup: Path, manifest: BackupManifest, draft: Path, progress: Progress) -> None:
    done = 0

    def advance(size: int) -> None:
        nonlocal done
        done += size
        progress("bytes", min(done, manifest.bytes), manifest.bytes)

    for file in manifest.files:
        source, target = backup / file.path, draft / _checked_path(file)
        try:
            digest = copy_hashed(source, target, advance)
        except FileNotFoundError:
            raise BackupRefused(
                f"{backup} is incomplete: {file.path} is missing; use another backup"
            ) from None
        if digest != file.sha256:
            raise BackupRefused(f"{source} is damaged; use another backup")


def _checked_path(file: BackedUpFile) -> PurePosixPath:
    path = PurePosixPath(file.path)
    if path.is_absolute() or ".." in path.parts:
        raise BackupRefused(f"the manifest names {file.path}, outside of the backup")
    return path


def _relocate(manifest: BackupManifest, home: Home, draft: Path) -> None:
    registry = draft / REGISTRY
    if not registry.exists():
        return
    move_artifacts(registry, manifest.artifact_roots, home.artifacts)
    for folder in version_folders(registry):
        copied = draft / folder.relative_to(home.root)
        if not ArtifactFolder(copied / DATA_FOLDER).manifest.is_file():
            raise BackupRefused(
                f"the backup is incomplete: the registered version in {folder} has no files; use "
                "another backup"
            )


def _move_aside(present: list[Path], home: Home) -> None:
    if not present:
        return
    folder = home.root / f"{BEFORE_RESTORE}{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"
    folder.mkdir()
    for path in _store_first(present):
        path.rename(folder / path.name)


def _move_in(draft: Path, home: Home) -> None:
    # The store comes last: without it no service answers from half a home.
    for path in reversed(_store_first(sorted(draft.iterdir()))):
        path.rename(home.root / path.name)


def _store_first(paths: list[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: (not path.name.startswith(STORE), path.name))
