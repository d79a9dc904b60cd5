"""Files that are read in blocks give the tables that they give as a whole."""

import gzip
import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from features.errors import UnreadableFile
from features.imports.tables.csv_file import read_csv
from features.imports.tables.json_file import read_json_lines
from features.imports.tables.read_table import read_table
from features.imports.tables.table import Table
from features.imports.tables.text_encoding import _BLOCK_BYTES
from features.imports.tables.text_source import TextSource

HEADER = "number,opened_at,group,text\r\n"
# Blocks of 8 KB and of 1 MB end somewhere within these rows, whose length is a prime.
ROWS = "".join(
    f'INC{n:06d},2025-11-03,Net {n % 7},"Störung 😀 an Kasse {n},\n\r\nseit ""{n:011d}"""\r\n'
    for n in range(20_000)
)
BROKEN = {
    "quoted newlines": HEADER + ROWS,
    "a bad row": f"{HEADER}{ROWS}INC9,2025,Net,text,more\r\n{ROWS}",
    "a stray quote": f'{HEADER}{ROWS[:2_000_000]}\r\nINC9,2025-11-03,Net,19" rack\r\n',
    "quotes after backslashes": HEADER + 'INC1,2025-11-03,Net,"the \\"till\\" is off"\r\n' * 30_000,
    "a stated separator": "sep=;\r\n" + (HEADER + ROWS).replace(",", ";"),
    "another end of lines": (HEADER + ROWS).replace("\r\n", "\r"),
    "files one after another": f"\ufeff{HEADER}{ROWS}\ufeff{HEADER}{ROWS}",
}


def content_of(table: Table) -> tuple[object, ...]:
    columns = {name: list(values) for name, values in table.columns.items()}
    return (columns, list(table.lines), table.rejected, dict(table.cell_counts), table.warnings)


def assert_reads_alike(
    file: Path, text: str, read: Callable[[TextSource], Table], *warnings: str
) -> None:
    whole = read(TextSource.of(text.replace("\ufeff", "")))
    whole = replace(whole, warnings=(*warnings, *whole.warnings))
    assert content_of(read_table(file)) == content_of(whole)


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_csv_file_in_blocks_gives_the_same_table(
    tmp_path: Path, text: str, encoding: str
) -> None:
    content = text.encode(encoding)
    assert len(content) > _BLOCK_BYTES
    file = tmp_path / "export.csv"
    file.write_bytes(content)
    assert_reads_alike(file, text, read_csv)


def test_an_older_encoding_is_read_in_blocks(tmp_path: Path) -> None:
    text = (HEADER + ROWS).replace("😀", "\u2013")
    file = tmp_path / "export.csv.gz"
    file.write_bytes(gzip.compress(text.encode("cp1252"), 1))
    warning = "the file is not UTF-8; read as windows-1252, which was detected from its characters"
    assert_reads_alike(file, text, read_csv, warning)


def test_a_broken_character_beyond_the_first_block_is_found(tmp_path: Path) -> None:
    lines = HEADER + ROWS
    file = tmp_path / "export.csv"
    file.write_bytes(lines.encode() + b"INC9,2025-11-03,Net,caf\xe9\r\n")
    warning = (
        f"1 broken character in utf-8 is read as '\ufffd', first in line {lines.count(chr(10)) + 1}"
    )
    assert_reads_alike(file, f"{lines}INC9,2025-11-03,Net,caf\ufffd\r\n", read_csv, warning)


def test_json_lines_hold_other_ends_of_lines(tmp_path: Path) -> None:
    rows = '{"number": "INC1",\r"text": "Störung\u2028😀"}\nnonsense\n\r\n' * 30_000
    file = tmp_path / "export.jsonl"
    file.write_text(rows, newline="")
    table = read_table(file)
    assert len(table.lines) == len(table.rejected) == 30_000
    assert table.lines[:2] == [1, 4]
    assert_reads_alike(file, rows, read_json_lines)


def test_a_gzip_file_that_ends_early_is_named(tmp_path: Path) -> None:
    file = tmp_path / "export.csv.gz"
    file.write_bytes(gzip.compress((HEADER + ROWS).encode())[:-40])
    with pytest.raises(UnreadableFile, match="truncated"):
        read_table(file)


@pytest.mark.parametrize(("name", "held_bytes"), [("export.csv", 0), ("export.csv.gz", 1)])
def test_reading_takes_little_more_than_the_table(
    tmp_path: Path, name: str, held_bytes: int
) -> None:
    text = HEADER + ROWS.replace("Kasse", "Kasse " * 200)
    file = tmp_path / name
    content = text.encode()
    file.write_bytes(gzip.compress(content, 1) if name.endswith("gz") else content)
    tracemalloc.start()
    table = read_table(file)
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(table.lines) == 20_000
    # A whole text takes four bytes for each character where one is beyond the first 65,536.
    assert most - held < (held_bytes + 0.5) * len(content)


def test_repeated_values_are_held_once(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text(HEADER + ROWS, newline="")
    assert len({id(value) for value in read_table(file).columns["group"]}) == 7


def test_names_of_json_records_are_held_once(tmp_path: Path) -> None:
    file = tmp_path / "export.jsonl"
    rows = ({f"field {n} of a record": f"{n} {row}" for n in range(12)} for row in range(4_000))
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    tracemalloc.start()
    table = read_table(file)
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(table.lines) == 4_000
    # Names of their own would take 2.1 bytes more for each byte of the file, a whole text 4.
    assert most - held < 3 * file.stat().st_size
