"""Writes the audit log to a file that other programs read."""

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TextIO

from features.domain.audit_event import AuditEvent
from features.errors import BadQuestion
from features.text.csv_cells import escape_formula

_COLUMNS = tuple(field.name for field in fields(AuditEvent))


def write_log(events: Sequence[AuditEvent], file: Path) -> None:
    """Write events to a .csv or .jsonl file, which is replaced after all events are written.

    Times are ISO 8601 in UTC. In CSV, `details` is JSON, and an apostrophe stands before texts that
    a spreadsheet would take for formulas. Raises `BadQuestion` for another file suffix, and
    `OSError` if the file cannot be written.
    """
    write_rows = {".csv": _write_csv, ".jsonl": _write_jsonl}.get(file.suffix.lower())
    if write_rows is None:
        raise BadQuestion(f"{file} ends neither in .csv nor in .jsonl")
    draft = file.with_name(f"{file.name}.part")
    try:
        with draft.open("w", encoding="utf-8", newline="") as stream:
            write_rows(map(_row, events), stream)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def _row(event: AuditEvent) -> dict[str, Any]:
    return asdict(event) | {"at": event.at.isoformat()}


def _write_jsonl(rows: Iterable[dict[str, Any]], stream: TextIO) -> None:
    stream.writelines(json.dumps(row, default=str) + "\n" for row in rows)


def _write_csv(rows: Iterable[dict[str, Any]], stream: TextIO) -> None:
    writer = csv.DictWriter(stream, _COLUMNS)
    writer.writeheader()
    for row in rows:
        texts = {
            name: escape_formula(value) for name, value in row.items() if isinstance(value, str)
        }
        writer.writerow(row | texts | {"details": json.dumps(row["details"], default=str)})
