"""Reads Excel workbooks."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from io import BytesIO
from pathlib import Path

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from features.errors import UnreadableFile
from features.imports.tables.row_grid import Row, header_position, table_of_rows
from features.imports.tables.table import Table

_Cell = int | float | str | bool | date | datetime | time | timedelta


def read_xlsx(content: bytes, path: Path) -> Table:
    """Read the sheet with the most cells, and those with the same header.

    A warning names the other sheets that hold rows. Whole numbers have no decimals, and dates and
    times are ISO 8601.
    """
    try:
        workbook = CalamineWorkbook.from_filelike(BytesIO(content))
        sheets = [workbook.get_sheet_by_name(name) for name in workbook.sheet_names]
    except CalamineError as error:
        raise UnreadableFile(
            f"{path}: the file is not an xlsx workbook, is damaged, or has a password"
        ) from error
    filled = [sheet for sheet in sheets if sheet.height > 1]
    if not filled:
        return Table({}, ())
    sheet = max(filled, key=lambda sheet: sheet.height * sheet.width)
    rows = _rows_of(sheet)
    header = _header_of(rows)
    alike: list[str] = []
    others: list[str] = []
    for other in filled:
        if other is not sheet:
            more = _rows_of(other)
            same = _header_of(more) == header
            (alike if same else others).append(repr(other.name))
            rows += more[header_position(more) + 1 :] if same else []
    table = table_of_rows(rows)
    return replace(table, warnings=(*_sheet_warnings(sheet.name, alike, others), *table.warnings))


def _sheet_warnings(name: str, alike: Sequence[str], others: Sequence[str]) -> Iterator[str]:
    if alike:
        yield (
            f"the sheets {', '.join([repr(name), *alike])} have the same header and are read as "
            "one; a line number is that in its sheet"
        )
    if others:
        yield (
            f"the sheet {name!r} is read; not read: {', '.join(others)} (export one sheet to a "
            "file)"
        )


def _rows_of(sheet: CalamineSheet) -> list[Row]:
    first_line = (sheet.start or (0, 0))[0] + 1
    values: Sequence[Sequence[_Cell]] = sheet.to_python()
    rows = [(line, list(map(_text_of, cells))) for line, cells in enumerate(values, first_line)]
    return [(line, cells) for line, cells in rows if any(cells)]


def _header_of(rows: Sequence[Row]) -> list[str]:
    return rows[header_position(rows)][1] if rows else []


def _text_of(cell: _Cell) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(" ", "seconds")
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)
