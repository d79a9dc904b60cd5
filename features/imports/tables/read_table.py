"""Reads an export, in the format that its name states."""

import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from hashlib import file_digest
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from features.errors import UnreadableFile
from features.imports.tables.csv_file import read_csv
from features.imports.tables.json_file import read_json, read_json_lines
from features.imports.tables.parquet_file import read_parquet
from features.imports.tables.table import Table
from features.imports.tables.text_encoding import open_text
from features.imports.tables.text_source import TextSource
from features.imports.tables.xlsx_file import read_xlsx
from features.imports.tables.xml_file import read_xml

Reader = Callable[[Callable[[], BinaryIO], Path], Table]


def _from_text(read: Callable[[TextSource], Table]) -> Reader:
    def read_file(opened: Callable[[], BinaryIO], path: Path) -> Table:
        text = open_text(opened, path)
        table = read(text)
        warnings = (*text.warnings, *table.warnings)
        return replace(table, encoding=text.encoding, warnings=warnings)

    return read_file


def _from_bytes(read: Callable[[bytes, Path], Table]) -> Reader:
    def read_file(opened: Callable[[], BinaryIO], path: Path) -> Table:
        with opened() as stream:
            return read(stream.read(), path)

    return read_file


_READERS: Mapping[str, Reader] = {
    "csv": _from_text(read_csv),
    "tsv": _from_text(read_csv),
    "jsonl": _from_text(read_json_lines),
    "ndjson": _from_text(read_json_lines),
    "json": _from_text(read_json),
    "parquet": _from_bytes(read_parquet),
    "xlsx": _from_bytes(read_xlsx),
    "xml": _from_bytes(read_xml),
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
    with _named_errors(path):
        digest = _digest(path)
        table = _READERS[kind](_opener(path, is_compressed=is_compressed), path)
    if not table.lines:
        rejected = table.rejected
        example = f"; line {rejected[0].line}: {rejected[0].reason}" if rejected else ""
        raise UnreadableFile(f"{path}: the file holds no readable row{example}")
    return replace(table, format=f"{kind}.gz" if is_compressed else kind, sha256=digest)


def _opener(path: Path, *, is_compressed: bool) -> Callable[[], BinaryIO]:
    """Return what opens the file; a compressed one is held, since unpacking it twice is slower."""
    if not is_compressed:
        return lambda: path.open("rb")
    content = gzip.decompress(path.read_bytes())
    return lambda: BytesIO(content)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        if not stream.read(1):
            raise UnreadableFile(f"{path}: the file is empty")
        stream.seek(0)
        return file_digest(stream, "sha256").hexdigest()


@contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except EOFError as error:
        raise UnreadableFile(f"{path}: the gzip file is truncated; copy it again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise UnreadableFile(f"{path}: the file is not a gzip file, or is damaged") from error
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror or error}") from error
