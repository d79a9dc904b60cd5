"""Reads parquet files."""

from io import BytesIO
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from features.errors import UnreadableFile
from features.imports.tables.json_values import columns_of, text_of
from features.imports.tables.table import Table, unique_names


def read_parquet(content: bytes, path: Path) -> Table:
    """Read a parquet file; nested values become text as in JSON files."""
    try:
        table = parquet.read_table(BytesIO(content))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UnreadableFile(f"{path}: the file is not a parquet file, or is damaged") from error
    columns: dict[str, list[str]] = {}
    warnings: list[str] = []
    for index, name in enumerate(unique_names(table.column_names)):
        column = table.column(index)
        if pa.types.is_nested(column.type):
            nested, found = columns_of([{name: value} for value in column.to_pylist()])
            columns.update(nested)
            warnings += found
        else:
            columns[name] = _strings_of(column)
    return Table(columns, range(1, table.num_rows + 1), warnings=tuple(warnings))


def _strings_of(column: pa.ChunkedArray) -> list[str]:
    try:
        return [text or "" for text in column.cast(pa.string()).to_pylist()]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return [text_of(value) for value in column.to_pylist()]
