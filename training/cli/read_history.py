"""Reads the files that a command names, and prints what was read."""

from pathlib import Path

import typer

from features.cli.progress import show_step
from features.domain.history import History
from features.errors import NotEnoughHistory, UnreadableFile
from features.home import Home
from features.imports.column_mapping import load_mapping
from features.imports.inspection import inspect_import
from features.imports.load_history import import_export
from features.imports.runbooks.folder import RunbookFolder, read_runbooks
from training.cli.inspection_output import describe_import


def read_export(
    path: Path, mapping: Path | None, home: Home, *, strict: bool = False, quiet: bool
) -> History:
    """Read an export by its mapping, and print what was read and rejected unless `quiet`.

    `strict` refuses leaking columns. Raises `UnreadableFile` and `BadMapping`.
    """
    plan = load_mapping(mapping) if mapping else None
    with show_step(f"reading {path.name}"):
        imported = import_export(path, plan, strict=strict, report_folder=home.import_reports)
    if not quiet:
        describe_import(inspect_import(imported), home.import_reports)
    return imported.history


def read_runbook_folder(path: Path, *, quiet: bool) -> RunbookFolder:
    """Read a folder of runbooks, and print how many were read unless `quiet`.

    Each skipped file is named on standard error. Raises `UnreadableFile` if no runbook can be read.
    """
    with show_step(f"reading {path.name}"):
        folder = read_runbooks(path)
    for skipped in folder.skipped:
        typer.echo(f"skipped {skipped.path}: {skipped.reason}", err=True)
    if not folder.runbooks:
        raise UnreadableFile(f"{path} holds no readable runbook; stored runbooks are kept")
    if not quiet:
        typer.echo(f"read {len(folder.runbooks):,} runbooks, skipped {len(folder.skipped):,}")
    return folder


def require_history(path: Path | None) -> Path:
    """Return the history's path; raises `NotEnoughHistory` if the user gave no path."""
    if path is None:
        raise NotEnoughHistory("nothing to learn from: give --history FILE or --runbooks DIR")
    return path
