"""The commands that back up a home and restore it."""

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic_core import to_json

from features.cli.progress import show_progress, show_step
from training.cli.options import AsJson

if TYPE_CHECKING:
    from models.lifecycle.backup_manifest import BackupManifest

_MEGABYTE = 1_000_000


def backup_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="a new or empty folder")],
    as_json: AsJson = False,
) -> None:
    """Back up the home while the service runs.

    The backup holds the store, the models, adapted encoders and settings. A store in PostgreSQL is
    not included: back it up with pg_dump.
    """
    with show_step("loading libraries"):
        from features.home import HomeSettings, find_home
        from features.store.database import sqlite_file_and_name
        from models.lifecycle.backup import back_up

    settings = HomeSettings()
    home = find_home(settings)
    store, name = sqlite_file_and_name(settings.database_url or home.database_url)
    started = perf_counter()
    with show_progress("backup") as progress:
        manifest = back_up(
            home,
            folder,
            store=store,
            store_elsewhere=name if store is None else None,
            progress=progress,
        )
    _print(manifest, f"backed up {home.root} to {folder}", perf_counter() - started, as_json)


def restore_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="the folder of a backup")],
    home: Annotated[
        Path | None, typer.Option("--home", help="the new home; default: PRECEDENT_HOME")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="move aside what the home holds already")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Restore a backup into a home, also in another place."""
    with show_step("loading libraries"):
        from features.home import Home, HomeSettings
        from models.lifecycle.restore import restore

    settings = HomeSettings()
    target = Home((home or settings.home).absolute())
    started = perf_counter()
    with show_progress("restore") as progress:
        manifest = restore(
            folder,
            target,
            replace=replace,
            database_url=settings.database_url,
            progress=progress,
        )
    _print(manifest, f"restored {folder} to {target.root}", perf_counter() - started, as_json)


def _print(manifest: "BackupManifest", done: str, seconds: float, as_json: bool) -> None:
    if as_json:
        document = {
            "created_at": manifest.created_at,
            "home": manifest.home,
            "files": len(manifest.files),
            "bytes": manifest.bytes,
            "store": "not included" if manifest.store_elsewhere else "included",
            "store_elsewhere": manifest.store_elsewhere,
            "seconds": round(seconds, 3),
        }
        typer.echo(to_json(document))
        return
    size = f"{len(manifest.files):,} files, {manifest.bytes / _MEGABYTE:,.1f} MB"
    typer.echo(f"{done} ({size}, {seconds:.1f} s)")
    if manifest.store_elsewhere:
        typer.echo(
            f"the store is not included: back up {manifest.store_elsewhere} with pg_dump, after "
            "this backup"
        )
