"""Options that several commands share, and the name of the user who runs a command."""

from getpass import getuser
from pathlib import Path
from typing import Annotated

import typer

HistoryFile = Annotated[
    Path | None,
    typer.Option("--history", help="csv, json, jsonl or ndjson (also .gz), parquet, xlsx or xml"),
]
MappingFile = Annotated[
    Path | None, typer.Option("--mapping", help="YAML file that says what the columns mean")
]
Targets = Annotated[list[str] | None, typer.Option("--target", help="only these targets")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON for machines")]
Strict = Annotated[bool, typer.Option("--strict", help="refuse leaking columns")]
Family = Annotated[
    bool, typer.Option("--family", help="certify all labels of a model together (Holm)")
]


def actor_name() -> str:
    """Return the name of the user, or `command line` if the user has no name."""
    try:
        return getuser()
    # A container's user may have a number but no name. Then `getuser` raises `KeyError`, and from
    # Python 3.13 on `OSError`.
    except (KeyError, OSError):
        return "command line"
