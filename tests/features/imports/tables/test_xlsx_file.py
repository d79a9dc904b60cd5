"""Excel workbooks."""

from datetime import date, datetime
from io import BytesIO
from pathlib import Path

import pytest
import xlsxwriter

from features.errors import UnreadableFile
from features.imports.tables.xlsx_file import read_xlsx

PATH = Path("export.xlsx")
HEADER = ["Number", "Opened", "Short description", "Priority"]


def workbook(*sheets: tuple[str, list[list[object]]]) -> bytes:
    stream = BytesIO()
    options = {"default_date_format": "yyyy-mm-dd hh:mm"}
    with xlsxwriter.Workbook(stream, options) as book:
        for name, rows in sheets:
            sheet = book.add_worksheet(name)
            for line, cells in enumerate(rows):
                sheet.write_row(line, 0, cells)
    return stream.getvalue()


def test_cells_become_text() -> None:
    rows = [
        HEADER,
        [1, datetime(2025, 11, 3, 8, 15), "VPN\ndrops", True],  # noqa: DTZ001
        [2.5, date(2025, 11, 4), "", 3.0],
        [12345678901, "03.11.2025", "text", None],
    ]
    table = read_xlsx(workbook(("Page 1", rows)), PATH)
    assert dict(table.columns) == {
        "Number": ("1", "2.5", "12345678901"),
        "Opened": ("2025-11-03 08:15:00", "2025-11-04", "03.11.2025"),
        "Short description": ("VPN\ndrops", "", "text"),
        "Priority": ("true", "3", ""),
    }
    assert (table.lines, table.warnings) == ([2, 3, 4], ())


def test_titles_totals_and_blank_rows_are_no_records() -> None:
    rows: list[list[object]] = [["Incidents of November"], [], HEADER]
    rows += [[f"INC{n}", "2025-11-03", "down", 2] for n in range(3)]
    rows += [[], ["Total", None, None, 3]]
    table = read_xlsx(workbook(("Page 1", rows)), PATH)
    assert table.columns["Number"] == ("INC0", "INC1", "INC2")
    assert table.lines == [4, 5, 6]
    assert [row.line for row in table.rejected] == [8]
    assert table.warnings == (
        "line 1 stands above the header and is left out: 'Incidents of November'",
    )


def test_sheets_with_the_same_header_are_one_table() -> None:
    may = [HEADER, ["INC1", "2025-05-03", "down", 2], ["INC2", "2025-05-04", "off", 2]]
    june = [["June"], HEADER, ["INC3", "2025-06-03", "down", 2], ["INC4", "2025-06-04", "slow", 1]]
    cover = [["made by", "ana"], ["made at", "noon"]]
    table = read_xlsx(workbook(("Cover", cover), ("May", may), ("June", june)), PATH)
    assert sorted(table.columns["Number"]) == ["INC1", "INC2", "INC3", "INC4"]
    assert "have the same header and are read as one" in table.warnings[0]
    assert "not read: 'Cover'" in table.warnings[1]


def test_the_largest_sheet_is_read_and_the_others_are_named() -> None:
    rows = [HEADER, *([f"INC{n}", "2025-11-03", "down", 2] for n in range(3))]
    cover = ("Cover", [["made by", "ana"], ["made at", "noon"]])
    table = read_xlsx(workbook(cover, ("Incidents", rows), ("Empty", [])), PATH)
    assert len(table.lines) == 3
    assert table.warnings == (
        "the sheet 'Incidents' is read; not read: 'Cover' (export one sheet to a file)",
    )


def test_a_workbook_without_rows() -> None:
    assert read_xlsx(workbook(("Page 1", [])), PATH).lines == ()


def test_what_is_no_workbook_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="not an xlsx workbook"):
        read_xlsx(b"PK\x03\x04", PATH)
