"""Describes how an export is understood, as printed text or as JSON."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from features.domain.report import ResolvedIncident
from features.formatting import counted
from features.imports.inspection import Inspection

_JSON_INCIDENTS = 20
_SHOWN_INCIDENTS = 3
_SHOWN_LINES = 5
_SHOWN_CHARACTERS = 200
_SEPARATOR_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


def inspection_json(inspection: Inspection) -> str:
    """Return an inspection as JSON, with the first 20 incidents."""
    history = inspection.history
    fields = {
        "format": inspection.format,
        "separator": inspection.separator or None,
        "encoding": inspection.encoding or None,
        "incidents": len(history.incidents),
        "open": inspection.open_incidents,
        "rejected": [asdict(row) for row in history.rejected],
        "warnings": list(history.warnings),
        "columns": {one.header: one.roles[0] for one in inspection.columns if one.roles},
        "unused": [column.header for column in inspection.unused],
        "column_details": {
            column.header: {
                "roles": column.roles,
                "told": column.told or None,
                "values": column.values,
            }
            for column in inspection.columns
        },
        "missing": dict(inspection.missing),
        "first": [_incident_fields(one) for one in history.incidents[:_JSON_INCIDENTS]],
    }
    return json.dumps(fields, indent=2, ensure_ascii=False, default=datetime.isoformat)


def describe_inspection(inspection: Inspection) -> None:
    """Print the whole inspection for people."""
    console = Console()
    console.print(Text(_file_line(inspection)))
    console.print(_column_table(inspection))
    for line in _lines(inspection):
        console.print(Text(line))
    for line in _incident_lines(inspection):
        console.print(Text(line))


def describe_import(inspection: Inspection, report_folder: Path) -> None:
    """Print the inspection in short, as before a training.

    `report_folder` contains the full list of rejected rows.
    """
    console = Console()
    console.print(Text(_file_line(inspection)))
    for line in _lines(inspection):
        console.print(Text(line))
    history = inspection.history
    if history.rejected:
        console.print(Text(f"  all rejected rows are named in {report_folder}"))
    if inspection.unused:
        names = ", ".join(column.header for column in inspection.unused)
        console.print(Text(f"columns that are not used: {names}"))
    if history.priority_matrix is not None:
        console.print(Text(history.priority_matrix.describe()))
    columns = [f"{column}: {when}" for column, when in history.provenance.items()]
    console.print(Text(f"columns and when their values were written: {', '.join(columns)}"))


def _file_line(inspection: Inspection) -> str:
    parts = [inspection.format]
    if inspection.separator:
        parts.append(
            f"separator {_SEPARATOR_NAMES.get(inspection.separator, inspection.separator)}"
        )
    if inspection.encoding:
        parts.append(f"encoding {inspection.encoding}")
    return f"format: {', '.join(parts)}"


def _column_table(inspection: Inspection) -> Table:
    # Plain text, because rich would read text in brackets as markup.
    table = Table()
    for heading in ("column", "role", "told by", "values"):
        table.add_column(heading, overflow="fold")
    for column in inspection.columns:
        values = " | ".join(column.values) or "empty"
        cells = (column.header, ", ".join(column.roles) or "not used", column.told, values)
        table.add_row(*map(Text, cells))
    return table


def _lines(inspection: Inspection) -> Iterator[str]:
    history = inspection.history
    read = counted(len(history.incidents), "incident")
    rejected, still_open = len(history.rejected), inspection.open_incidents
    yield f"read {read}, rejected {rejected:,}; {still_open:,} still open"
    for reason, rows in islice(inspection.rejected_by_reason.items(), _SHOWN_LINES):
        lines = ", ".join(
            f"line {row.line}" + (f" ({row.id})" if row.id else "") for row in rows[:_SHOWN_LINES]
        )
        more = f" and {len(rows) - _SHOWN_LINES:,} more" if len(rows) > _SHOWN_LINES else ""
        yield f"  {lines}{more}: {reason}"
    if (hidden := len(inspection.rejected_by_reason) - _SHOWN_LINES) > 0:
        yield f"  and rows for {counted(hidden, 'further reason')}"
    yield from (f"  warning: {warning}" for warning in history.warnings)
    yield from (f"  missing: {role}: {cost}" for role, cost in inspection.missing.items())


def _incident_lines(inspection: Inspection) -> Iterator[str]:
    incidents = inspection.history.incidents[:_SHOWN_INCIDENTS]
    if incidents:
        yield f"the first {counted(len(incidents), 'incident')} as stored, masked:"
    for incident in incidents:
        fields = _incident_fields(incident)
        yield f"  {incident.report.id} ({'open' if fields['is_open'] else 'done'})"
        for part in (asdict(incident.report), asdict(incident.outcome)):
            for name, value in part.items():
                if value and name != "id":
                    yield f"    {name}: {_shortened(str(value))}"


def _incident_fields(incident: ResolvedIncident) -> dict[str, object]:
    return {
        "report": asdict(incident.report),
        "outcome": asdict(incident.outcome),
        "is_open": incident.outcome.is_open,
    }


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_CHARACTERS else f"{line[:_SHOWN_CHARACTERS]}..."
