"""Reads csv files with stray quotes: a quote that is never closed must not swallow other rows."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from io import StringIO
from itertools import islice, takewhile

from features.formatting import counted
from features.imports.tables.note_rows import shape_of
from features.imports.tables.row_grid import Row

_MIN_EXAMPLES = 3
_MAX_SHAPES = 6
_MIN_SHARE = 0.75
_LONGEST_VALUE = 40
_MIN_WIDTH = 3
_MOST_LINES = 2_000
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class RowPattern:
    """How rows look: their number of cells, and the shapes of values in columns with few shapes.

    Columns of ids and times have few shapes, all with digits: `INC1` has the shape `a9`.
    """

    separator: str
    width: int
    shapes: dict[int, frozenset[str]] = field(default_factory=dict)

    def fits(self, cells: Sequence[str]) -> bool:
        """Return whether cells look like a row of the table."""
        return len(cells) == self.width and all(
            not cells[column].strip() or shape_of(cells[column]) in shapes
            for column, shapes in self.shapes.items()
        )


def hides_rows(long_rows: Iterable[Sequence[str]], rows: Sequence[Row], separator: str) -> bool:
    """Return whether a value of the rows on several lines seems to hold further rows."""
    pattern: RowPattern | None = None
    for cells in long_rows:
        for line in (line for cell in cells for line in cell.splitlines()[1:]):
            if line.count(separator) < _MIN_WIDTH - 1:
                continue
            pattern = pattern or _pattern_of((row for _, row in rows), separator, len(cells))
            if pattern.shapes and pattern.fits(split_line(line, separator)):
                return True
    return False


def split_line(line: str, separator: str) -> list[str]:
    """Return the cells of one line; a quote that is not closed before a separator is plain text.

    >>> split_line('1,"a, b","screen" is black,"never closed', ",")
    ['1', 'a, b', '"screen" is black', '"never closed']
    """
    mark = re.escape(separator)
    cell = re.compile(rf'(?:"((?:[^"]|"")*)"(?={mark}|$)|([^{mark}]*))({mark}|$)')
    cells, position = [], 0
    while match := cell.match(line, position):
        cells.append(match[2] if match[1] is None else match[1].replace('""', '"'))
        position = match.end()
        if not match[3]:
            break
    return cells


def read_with_stray_quotes(text: str, separator: str, width: int) -> tuple[list[Row], list[str]]:
    """Return the rows of a file in which quotes are not where they belong, and warnings.

    A value goes over several lines only if its quote is closed and the lines do not all look like
    rows. Otherwise the quote is plain text. `width` is the number of columns.
    """
    lines = [line.rstrip("\r\n") for line in StringIO(text, newline="")]
    # Lines of a longer value may look like short rows, so rows that are surely rows come first.
    pattern = _pattern_of(_orderly_rows(lines, separator), separator, width)
    if not pattern.shapes:
        pattern = _pattern_of(_one_line_rows(lines, separator), separator, width)
    reader = _QuoteReader(lines, pattern)
    return reader.rows(), reader.warnings()


def _orderly_rows(lines: Sequence[str], separator: str) -> Iterator[list[str]]:
    """Yield the cells of the rows in front of the first disordered quote."""
    with suppress(csv.Error):
        yield from csv.reader((f"{line}\n" for line in lines), delimiter=separator, strict=True)


def _one_line_rows(lines: Sequence[str], separator: str) -> Iterator[list[str]]:
    found = (_strict_cells(line, separator) for line in lines)
    return (cells for cells in found if cells)


def _pattern_of(rows: Iterable[Sequence[str]], separator: str, width: int) -> RowPattern:
    """Return how rows look, from the first of them."""
    examples = list(islice((cells for cells in rows if len(cells) == width), _MOST_LINES))
    shapes = {}
    for column in range(width):
        values = [cells[column] for cells in examples if cells[column].strip()]
        if max(map(len, values), default=0) > _LONGEST_VALUE:
            continue
        counts = Counter(map(shape_of, values))
        found = {shape: count for shape, count in counts.most_common(_MAX_SHAPES) if "9" in shape}
        # The header, and rows that are no records, have other shapes.
        if sum(found.values()) >= max(_MIN_EXAMPLES, _MIN_SHARE * counts.total()):
            shapes[column] = frozenset(found)
    return RowPattern(separator, width, shapes)


def _strict_cells(line: str, separator: str) -> list[str] | None:
    """Return the cells of a line that is a complete row, None if its quotes are not in order."""
    if '"' not in line:
        return line.split(separator)
    try:
        return next(csv.reader([line], delimiter=separator, strict=True), None)
    except csv.Error:
        return None


class _QuoteReader:
    """Reads rows line by line, and notes quotes that are never closed."""

    def __init__(self, lines: Sequence[str], pattern: RowPattern) -> None:
        self._lines = lines
        self._pattern = pattern
        self._separator = pattern.separator
        self._unclosed: list[tuple[int, int]] = []
        self._enclosing: list[tuple[int, int]] = []

    def rows(self) -> list[Row]:
        """Return all rows that are not blank."""
        rows: list[Row] = []
        position = 0
        while position < len(self._lines):
            cells = _strict_cells(self._lines[position], self._separator)
            end = position + 1
            if cells is None:
                cells, end = self._quoted(position)
            if any(cells):
                rows.append((position + 1, cells))
            position = end
        return rows

    def warnings(self) -> list[str]:
        """Return a warning for each of the first stray quotes, and one for the others."""
        warnings = [
            f"line {line}: a quote is never closed; {_lines(count)} inside one value, now read as "
            "rows where they look like rows"
            for line, count in self._unclosed
        ]
        warnings += (
            f"line {line}: {_lines(count)} inside one quoted value, though they look like rows"
            for line, count in self._enclosing
        )
        more = len(warnings) - _SHOWN
        return warnings[:_SHOWN] + ([f"{more:,} more quotes are never closed"] if more > 0 else [])

    def _quoted(self, start: int) -> tuple[list[str], int]:
        """Return the row that begins at a line with a disordered quote, and where the next is."""
        line = self._lines[start]
        if not _is_open(line, self._separator):
            return self._one_line(line), start + 1
        cells, end = self._strict_record(start)
        if cells:
            inside = self._lines[start + 1 : end]
            alike = sum(self._pattern.fits(split_line(line, self._separator)) for line in inside)
            is_row = self._pattern.fits(split_line(line, self._separator))
            if not (is_row and alike == len(inside) and self._pattern.shapes):
                if alike and self._pattern.shapes:
                    self._enclosing.append((start + 1, alike))
                return cells, end
        self._unclosed.append((start + 1, self._swallowed(start)))
        return self._unclosed_row(start)

    def _one_line(self, line: str) -> list[str]:
        cells = split_line(line, self._separator)
        if len(cells) == self._pattern.width:
            return cells
        lenient = next(csv.reader([line], delimiter=self._separator))
        return lenient if len(lenient) == self._pattern.width else cells

    def _strict_record(self, start: int) -> tuple[list[str], int]:
        """Return the cells of a value over several lines and its end; no cells if there is none."""
        lines = (f"{line}\n" for line in self._lines[start : start + _MOST_LINES])
        reader = csv.reader(lines, delimiter=self._separator, strict=True)
        try:
            cells = next(reader)
        except (csv.Error, StopIteration):
            return [], start
        is_complete = len(cells) == self._pattern.width
        return (cells if is_complete else []), start + reader.line_num

    def _swallowed(self, start: int) -> int:
        """Return the number of lines after this one that the usual reading puts into one value."""
        if len(self._unclosed) >= _SHOWN:
            return 0
        lines = iter(enumerate(self._lines[start:]))
        next(csv.reader((f"{line}\n" for _, line in lines), delimiter=self._separator), None)
        return len(self._lines) - start - 1 - sum(1 for _ in lines)

    def _unclosed_row(self, start: int) -> tuple[list[str], int]:
        """Return the row and its end: the next line that looks like the beginning of a row."""
        following = self._lines[start + 1 : start + _MOST_LINES]
        plain = takewhile(lambda line: not self._begins_row(line), following)
        end = start + 1 + sum(1 for _ in plain)
        first = split_line(self._lines[start], self._separator)
        is_end_known = end < len(self._lines) and end < start + _MOST_LINES
        if end == start + 1 or not (is_end_known or self._pattern.shapes):
            return first, start + 1
        if len(first) == self._pattern.width:
            return [*first[:-1], "\n".join([first[-1], *self._lines[start + 1 : end]])], end
        joined = (f"{line}\n" for line in self._lines[start:end])
        cells = next(csv.reader(joined, delimiter=self._separator), first)
        return (cells, end) if len(cells) == self._pattern.width else (first, start + 1)

    def _begins_row(self, line: str) -> bool:
        cells, pattern = split_line(line, self._separator), self._pattern
        if not pattern.shapes:
            return len(cells) == pattern.width
        # The value whose quote is open goes on in the next line, so it has no shape yet.
        known = [
            column
            for column in pattern.shapes
            if column < len(cells) and not cells[column].startswith('"')
        ]
        is_alike = all(shape_of(cells[column]) in pattern.shapes[column] for column in known)
        return bool(known) and is_alike and len(cells) <= pattern.width


def _is_open(line: str, separator: str) -> bool:
    """Return whether a quote that opens a value is not closed on its line."""
    return any(
        cell.startswith('"') and cell.count('"') % 2 == 1 for cell in split_line(line, separator)
    )


def _lines(count: int) -> str:
    return f"{counted(count, 'line')} {'lies' if count == 1 else 'lie'}"
