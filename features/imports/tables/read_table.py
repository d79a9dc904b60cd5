"""Reads an export, in the format that its name states."""

import gzip
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from features.errors import UnreadableFile
from features.imports.tables.csv_file import read_csv
from features.imports.tables.json_file import read_json, read_json_lines
from features.imports.tables.parquet_file import read_parquet
from features.imports.tables.table import Table
from features.imports.tables.text_encoding import decode_text
from features.imports.tables.xlsx_file import read_xlsx
from features.imports.tables.xml_file import read_xml


def _from_text(read: Callable[[str], Table]) -> Callable[[bytes, Path], Table]:
    def read_file(content: bytes, path: Path) -> Table:
        text, encoding, warnings = decode_text(content, path)
        table = read(text)
        return replace(table, encoding=encoding, warnings=(*warnings, *table.warnings))

    return read_file


_READERS: Mapping[str, Callable[[bytes, Path], Table]] = {
    "csv": _from_text(read_csv),
    "tsv": _from_text(read_csv),
    "jsonl": _from_text(read_json_lines),
    "ndjson": _from_text(read_json_lines),
    "json": _from_text(read_json),
    "parquet": read_parquet,
    "xlsx": read_xlsx,
    "xml": read_xml,
}
_COMPRESSED = ("csv", "tsv", "jsonl", "ndjson", "json", "xml")

FILE_TYPES = (
    *(".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".parquet"),
    *(".ndjson", ".json", ".xlsx", ".xml", ".tsv"),
)
"""The extensions that messages and help texts name."""


def read_table(path: Path) -> Table:
    """Read an export; raises `UnreadableFile` with one line that says what to do."""
    name = path.name.lower()
    is_compressed = name.endswith(".gz")
    kind = name.removesuffix(".gz").rpartition(".")[2]
    if kind not in (_COMPRESSED if is_compressed else _READERS):
        raise UnreadableFile(f"{path}: give a file that ends in {', '.join(FILE_TYPES)}")
    content = _read_bytes(path)
    digest = sha256(content).hexdigest()
    if is_compressed:
        content = _decompress(content, path)
    table = _READERS[kind](content, path)
    if not table.lines:
        rejected = table.rejected
        example = f"; line {rejected[0].line}: {rejected[0].reason}" if rejected else ""
        raise UnreadableFile(f"{path}: the file holds no readable row{example}")
    return replace(table, format=f"{kind}.gz" if is_compressed else kind, sha256=digest)


def _read_bytes(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror or error}") from error
    if not content:
        raise UnreadableFile(f"{path}: the file is empty")
    return content


def _decompress(content: bytes, path: Path) -> bytes:
    try:
        return gzip.decompress(content)
    except EOFError as error:
        raise UnreadableFile(f"{path}: the gzip file is truncated; copy it again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise UnreadableFile(f"{path}: the file is not a gzip file, or is damaged") from error
