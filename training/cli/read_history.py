"""Reads an export for a command, and tells who runs it what was read."""

from pathlib import Path

from features.domain.history import History
from features.errors import NotEnoughHistory
from features.home import Home
from features.imports.column_mapping import load_mapping
from features.imports.load_history import load_history
from training.cli.output import describe_history, show_reading


def read_export(
    path: Path, mapping: Path | None, home: Home, *, strict: bool = False, quiet: bool
) -> History:
    """Read an export by its mapping, and say what was read and rejected unless `quiet`.

    `strict` refuses leaking columns. Raises `UnreadableFile` and `BadMapping`.
    """
    plan = load_mapping(mapping) if mapping else None
    with show_reading(path, quiet=quiet):
        past = load_history(path, plan, strict=strict, report_folder=home.import_reports)
    if not quiet:
        describe_history(past, home.import_reports)
    return past


def require_history(path: Path | None) -> Path:
    """Return the file that was named; raises `NotEnoughHistory` where none was."""
    if path is None:
        raise NotEnoughHistory("nothing to learn from: give --history FILE or --runbooks DIR")
    return path
