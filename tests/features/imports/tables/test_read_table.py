"""Files of every format, read by their names."""

import gzip
import hashlib
from pathlib import Path

import pytest
import xlsxwriter

from features.errors import UnreadableFile
from features.imports.tables.read_table import FILE_TYPES, read_table

CSV = "number,title\n1,down\n2,slow\n"
LINES = '{"number": 1, "title": "down"}\n{"number": 2, "title": "slow"}\n'
ARRAY = f"[{LINES.strip().replace(chr(10), ',')}]"
XML = (
    "<xml><i><number>1</number><title>down</title></i>"
    "<i><number>2</number><title>slow</title></i></xml>"
)
TEXTS = {"csv": CSV, "jsonl": LINES, "ndjson": LINES, "json": ARRAY, "xml": XML}


def written(folder: Path, name: str) -> Path:
    file = folder / name
    kind = name.lower().removesuffix(".gz").rpartition(".")[2]
    if kind == "xlsx":
        with xlsxwriter.Workbook(file) as book:
            sheet = book.add_worksheet()
            for line, row in enumerate((["number", "title"], [1, "down"], [2, "slow"])):
                sheet.write_row(line, 0, row)
        return file
    content = TEXTS[kind].encode()
    file.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return file


@pytest.mark.parametrize(
    "name",
    [*(f"export.{kind}" for kind in TEXTS), *(f"export.{kind}.gz" for kind in TEXTS), "E.XLSX"],
)
def test_the_name_states_the_format(tmp_path: Path, name: str) -> None:
    file = written(tmp_path, name)
    table = read_table(file)
    assert {header: list(values) for header, values in table.columns.items()} == {
        "number": ["1", "2"],
        "title": ["down", "slow"],
    }
    assert table.format == name.lower().removeprefix("export.").removeprefix("e.")
    assert table.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert table.separator == ("," if "csv" in name else "")
    assert table.encoding == ("" if name == "E.XLSX" else "utf-8")


@pytest.mark.parametrize("name", ["export", "export.txt", "export.xlsx.gz"])
def test_another_name_is_refused_with_those_that_are_known(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text(CSV)
    with pytest.raises(UnreadableFile, match="give a file that ends in") as raised:
        read_table(file)
    assert all(kind in str(raised.value) for kind in FILE_TYPES)
