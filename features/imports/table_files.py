"""Reads export files into columns of strings: csv and jsonl, also gzipped, and parquet."""

import csv
import gzip
import json
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO, StringIO
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from features.domain.history import RejectedRow
from features.errors import UnreadableFile

FILE_TYPES = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".parquet")

_DELIMITERS = (",", ";", "\t", "|")
_LONGEST_FIELD = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Table:
    """An export as columns of strings.

    A missing value is an empty string. `lines` are the rows' line numbers in the file, in
    parquet the row numbers from 1. `sha256` is the hash of the file.
    """

    columns: Mapping[str, Sequence[str]]
    lines: Sequence[int]
    rejected: tuple[RejectedRow, ...] = ()
    sha256: str = ""


def read_table(path: Path) -> Table:
    """Read an export; raises `UnreadableFile` with one line that says what to do."""
    suffix = next((suffix for suffix in FILE_TYPES if path.name.lower().endswith(suffix)), None)
    if suffix is None:
        raise UnreadableFile(f"{path}: give a file that ends in {', '.join(FILE_TYPES)}")
    content = _read_bytes(path)
    digest = sha256(content).hexdigest()
    if suffix.endswith(".gz"):
        content = _decompress(content, path)
    if suffix == ".parquet":
        columns, lines, rejected = _read_parquet(content, path)
    else:
        read = _read_csv if suffix.startswith(".csv") else _read_jsonl
        columns, lines, rejected = read(_decode(content, path))
    if not lines:
        example = f"; line {rejected[0].line}: {rejected[0].reason}" if rejected else ""
        raise UnreadableFile(f"{path}: the file holds no readable row{example}")
    return Table(columns, lines, tuple(rejected), digest)


_Parts = tuple[Mapping[str, Sequence[str]], Sequence[int], list[RejectedRow]]


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


def _decode(content: bytes, path: Path) -> str:
    is_utf_16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = content.decode("utf-16" if is_utf_16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableFile(
            f"{path}: line {line} is not {'UTF-16' if is_utf_16 else 'UTF-8'}; "
            "export the file again as UTF-8, or convert it with iconv"
        ) from error
    if not text.strip():
        raise UnreadableFile(f"{path}: the file is empty")
    if "\x00" in text.split("\n", 1)[0]:
        raise UnreadableFile(f"{path}: the file is binary; export it again as csv or jsonl")
    return text


def _read_csv(text: str) -> _Parts:
    header_line = text.lstrip("\r\n").replace("\r", "\n").split("\n", 1)[0]
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(StringIO(text, newline=""), delimiter=_delimiter_of(header_line))
    header: list[str] = []
    rows: list[list[str]] = []
    lines: list[int] = []
    rejected: list[RejectedRow] = []
    end = 0
    for row in reader:
        line, end = end + 1, reader.line_num
        if not any(row):
            continue
        if not header:
            header = _unique_names(row)
            continue
        # Some programs end each line with a separator, but not the header.
        if len(row) > len(header) and not any(row[len(header) :]):
            row = row[: len(header)]
        if len(row) == len(header):
            rows.append(row)
            lines.append(line)
        else:
            reason = f"has {len(row)} values, but the header names {len(header)} columns"
            rejected.append(RejectedRow(line, "", reason))
    values = zip(*rows, strict=True) if rows else ([] for _ in header)
    return dict(zip(header, values, strict=True)), lines, rejected


def _delimiter_of(header_line: str) -> str:
    columns = {mark: len(next(csv.reader([header_line], delimiter=mark))) for mark in _DELIMITERS}
    return max(_DELIMITERS, key=lambda mark: columns[mark])


def _unique_names(header: Sequence[str]) -> list[str]:
    """Return unique column names: a repeated `Comment`, as trackers export, becomes `Comment.1`."""
    names, repeats = [name.strip() for name in header], Counter[str]()
    unique: list[str] = []
    for name in names:
        candidate = name
        while candidate in unique or (candidate != name and candidate in names):
            repeats[name] += 1
            candidate = f"{name}.{repeats[name]}"
        unique.append(candidate)
    return unique


def _read_jsonl(text: str) -> _Parts:
    records: list[dict[str, object]] = []
    lines: list[int] = []
    rejected: list[RejectedRow] = []
    # Not splitlines(): it also splits at line separators that JSON strings may contain.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = None
        if isinstance(record, dict) and record:
            records.append(record)
            lines.append(number)
        else:
            rejected.append(RejectedRow(number, "", "is not a JSON object on one line"))
    names = dict.fromkeys(name for record in records for name in record)
    columns = {name: [_as_text(record.get(name)) for record in records] for name in names}
    return columns, lines, rejected


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False, default=str)


def _read_parquet(content: bytes, path: Path) -> _Parts:
    try:
        table = parquet.read_table(BytesIO(content))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UnreadableFile(f"{path}: the file is not a parquet file, or is damaged") from error
    names = _unique_names(table.column_names)
    columns = {name: _strings_of(table.column(index)) for index, name in enumerate(names)}
    return columns, range(1, table.num_rows + 1), []


def _strings_of(column: pa.ChunkedArray) -> list[str]:
    if not pa.types.is_nested(column.type):
        try:
            return [text or "" for text in column.cast(pa.string()).to_pylist()]
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            pass
    return [_as_text(value) for value in column.to_pylist()]
