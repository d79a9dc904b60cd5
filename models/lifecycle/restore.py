"""Restores a backup into any folder, which then holds nothing that refers to the original home."""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from features.errors import BackupRefused
from features.home import Home
from features.store.database import sqlite_file_and_name
from models.artifacts.manifest import DATA_FOLDER, ArtifactFolder
from models.artifacts.relocation import move_artifacts, version_folders
from models.lifecycle.backup import BEFORE_RESTORE, REGISTRY, RESTORING, STORE, Progress
from models.lifecycle.backup_manifest import (
    BackedUpFile,
    BackupManifest,
    copy_hashed,
    read_manifest,
)
from models.lifecycle.drafts import draft_folder


def restore(
    backup: Path,
    home: Home,
    *,
    replace: bool,
    database_url: str | None = None,
    progress: Progress,
) -> BackupManifest:
    """Copy a backup into a home, check every file, and let its registry name the new folder.

    Nothing in the home changes before the whole backup was copied and checked. With `replace`, what
    the home held before is moved into a folder of its own inside the home; if that fails, it is
    moved back. `database_url` is the store that the service is set to open, None for the home's.
    Raises `BackupRefused` if the backup is damaged or incomplete, if the home is not empty and
    `replace` is False, or if the service would not open the restored store.
    """
    manifest = read_manifest(backup)
    _refuse_other_store(manifest, home, database_url)
    present = [path for path in _entries(home) if not path.name.startswith(RESTORING)]
    if present and not replace:
        raise BackupRefused(
            f"{home.root} is not empty; name an empty folder, or move what is there aside with "
            "--replace"
        )
    # Inside of the home, because a rename must not cross file systems.
    with draft_folder(home.root, RESTORING) as draft:
        _copy(backup, manifest, draft, progress)
        _relocate(manifest, home, draft)
        _replace(
            [path for path in present if not path.name.startswith(BEFORE_RESTORE)], draft, home
        )
    return manifest


def _refuse_other_store(manifest: BackupManifest, home: Home, database_url: str | None) -> None:
    if database_url is None or all(file.path != STORE for file in manifest.files):
        return
    file, name = sqlite_file_and_name(database_url)
    # A link is not followed: a restore would replace it.
    if file is None or file.parent.resolve() / file.name != home.root.resolve() / STORE:
        raise BackupRefused(
            f"PRECEDENT_DATABASE_URL names {name}, so the service would not open the store that is "
            f"restored, {home.root / STORE}; unset the variable, or set it to {home.database_url}"
        )


def _entries(home: Home) -> list[Path]:
    return sorted(home.root.iterdir()) if home.root.exists() else []


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


def _replace(present: list[Path], draft: Path, home: Home) -> None:
    """Move aside what a home holds, and the draft's files into it; an error undoes all moves."""
    with ExitStack() as undo:
        if present:
            aside = home.root / f"{BEFORE_RESTORE}{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"
            aside.mkdir()
            undo.callback(aside.rmdir)
            for path in _store_first(present):
                _move(path, aside, undo)
        # The store comes last: without it no service answers from half a home.
        for path in reversed(_store_first(sorted(draft.iterdir()))):
            _move(path, home.root, undo)
        undo.pop_all()


def _move(path: Path, folder: Path, undo: ExitStack) -> None:
    moved = path.rename(folder / path.name)
    undo.callback(moved.rename, path)


def _store_first(paths: list[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: (not path.name.startswith(STORE), path.name))
