"""Parts of an export, written in the export's own format."""

import csv
import gzip
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO


def read_rows(export: Path) -> tuple[str, list[str]]:
    """Return the header (empty for jsonl) and the rows of a csv or jsonl export, each as text."""
    with _open(export) as stream:
        if ".csv" not in export.name:
            return "", stream.readlines()
        header, *rows = (_as_text(row) for row in csv.reader(stream))
        return header, rows


def write_rows(header: str, rows: Sequence[str], export: Path) -> Path:
    """Write an export of these rows; its name tells the format."""
    content = (header + "".join(rows)).encode()
    export.write_bytes(gzip.compress(content) if _is_packed(export) else content)
    return export


def _open(export: Path) -> TextIO:
    open_text = gzip.open if _is_packed(export) else open
    return open_text(export, "rt", encoding="utf-8", newline="")


def _is_packed(export: Path) -> bool:
    return export.suffix == ".gz"


def _as_text(row: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(row)
    return line.getvalue()
