"""Reads csv files: finds the separator, then the rows."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from io import StringIO
from itertools import islice

from features.imports.tables.csv_quotes import hides_rows, read_with_stray_quotes
from features.imports.tables.row_grid import Row, header_position, table_of_rows
from features.imports.tables.table import Table, shared_values
from features.imports.tables.text_source import TextSource

Lines = Callable[[], Iterable[str]]

_SEPARATORS = (",", ";", "\t", "|")
_STATED = re.compile(r'\A\s*"?sep=(.)"?[ ,;\t|]*(?:\r\n?|\n)', re.IGNORECASE)
_LONGEST_FIELD = 2**31 - 1
_SAMPLE_LINES = 200
_SAMPLE_CHARACTERS = 1_000_000


def read_csv(source: TextSource) -> Table:
    """Read a csv file, whatever its separator.

    A first line such as `sep=;`, as Excel writes it, states the separator. Quotes that are never
    closed are read as text, with a warning; only then are all lines held at once. Titles above the
    header, repeated headers, totals and comments are left out and named.
    """
    csv.field_size_limit(_LONGEST_FIELD)
    stated = _STATED.match("".join(_sample_of(source.lines())))
    stated_lines = len(StringIO(stated[0], newline="").readlines()) if stated else 0

    def lines() -> Iterator[str]:
        return islice(source.lines(), stated_lines, None)

    sample = _sample_of(lines())
    # Some programs write the line for another separator than the one that they use.
    is_stated = stated is not None and _fit(_sample_rows(sample, stated[1]))[1] > 1
    separator = stated[1] if stated and is_stated else _separator_of(sample)
    rows, long_rows = _regular_rows(lines, separator)
    warnings: list[str] = []
    if rows is None or hides_rows(rows, long_rows, separator):
        lenient = read_with_stray_quotes(lines(), separator, _width_of(sample, separator))
        warnings = lenient.warnings
        if rows is None or lenient.has_unclosed_quotes:
            rows = lenient.rows
    if stated:
        rows = [(line + 1, cells) for line, cells in rows]
    table = table_of_rows(rows)
    return replace(table, separator=separator, warnings=(*warnings, *table.warnings))


def _regular_rows(lines: Lines, separator: str) -> tuple[list[Row] | None, list[int]]:
    """Return the rows that are not blank, and the positions of those on several lines.

    The rows are None if a quote is not where it belongs.
    """
    reader = csv.reader(lines(), delimiter=separator, strict=True)
    share = shared_values()
    rows: list[Row] = []
    long_rows: list[int] = []
    end = 0
    try:
        for cells in reader:
            line, end = end + 1, reader.line_num
            if any(cells):
                if end > line:
                    long_rows.append(len(rows))
                rows.append((line, share(cells)))
    except csv.Error:
        if _escapes_by_backslash(lines(), reader.line_num):
            return _regular_rows(lambda: (line.replace('\\"', '""') for line in lines()), separator)
        return None, []
    return rows, long_rows


def _escapes_by_backslash(lines: Iterable[str], line: int) -> bool:
    """Return whether the line of a disordered quote holds a quote after a backslash."""
    return any('\\"' in part for part in islice(lines, line - 1, line))


def _sample_of(lines: Iterable[str]) -> list[str]:
    sample: list[str] = []
    left = _SAMPLE_CHARACTERS
    for line in islice(lines, _SAMPLE_LINES):
        if left <= 0:
            break
        sample.append(line[:left])
        left -= len(line)
    return sample


def _sample_rows(lines: Sequence[str], separator: str) -> list[Row]:
    rows = enumerate(csv.reader(lines, delimiter=separator), start=1)
    return [(line, cells) for line, cells in rows if any(cells)]


def _separator_of(sample: Sequence[str]) -> str:
    return max(_SEPARATORS, key=lambda separator: _fit(_sample_rows(sample, separator)))


def _fit(rows: Sequence[Row]) -> tuple[float, int]:
    """Return the share of rows that have as many cells as the header, or fewer, and their number.

    A separator that splits nothing has the share 0.
    """
    if not rows:
        return 0.0, 1
    width = len(rows[header_position(rows)][1])
    fitting = sum(1 < len(cells) <= width for _, cells in rows)
    return fitting / len(rows), width


def _width_of(sample: Sequence[str], separator: str) -> int:
    rows = _sample_rows(sample, separator)
    return len(rows[header_position(rows)][1]) if rows else 1
