"""The command that shows how an export is understood; it stores and trains nothing."""

from pathlib import Path
from typing import Annotated

import typer

from features.cli.progress import show_step
from features.errors import NotEnoughHistory
from training.cli.options import AsJson, HistoryFile, MappingFile


def inspect_command(
    history: HistoryFile = None,
    mapping: MappingFile = None,
    write_mapping: Annotated[
        Path | None,
        typer.Option("--write-mapping", help="write a commented mapping to this new file"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show how an export is understood, before anything is stored."""
    if history is None:
        raise NotEnoughHistory("nothing to inspect: give --history FILE")
    with show_step(f"reading {history.name}"):
        from features.imports.column_mapping import load_mapping
        from features.imports.inspection import inspect_export
        from features.imports.mapping_file import write_mapping as write_mapping_file
        from training.cli.inspection_output import describe_inspection, inspection_json

        inspection = inspect_export(history, load_mapping(mapping) if mapping else None)
    if write_mapping is not None:
        write_mapping_file(inspection, history, write_mapping)
    if as_json:
        typer.echo(inspection_json(inspection))
    else:
        describe_inspection(inspection)
