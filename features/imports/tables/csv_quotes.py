"""Reads csv files with stray quotes: a quote that is never closed must not swallow other rows."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile

from features.formatting import counted
from features.imports.tables.row_grid import Row
from features.imports.tables.row_pattern import RowPattern, pattern_of, split_line

_MIN_WIDTH = 3
_MOST_LINES = 2_000
_SHOWN = 3


def hides_rows(rows: Sequence[Row], long_rows: Sequence[int], separator: str) -> bool:
    """Return whether a value on several lines seems to hold further rows.

    Either a line inside it looks like a row, or what follows it does not. `long_rows` are the
    positions of the rows on several lines.
    """
    if not long_rows:
        return False
    pattern = pattern_of((cells for _, cells in rows), separator, _usual_width(rows))
    return pattern.is_telling and any(
        len(rows[position][1]) != pattern.width
        or _holds_row(rows[position][1], pattern)
        or (position + 1 < len(rows) and not pattern.resembles(rows[position + 1][1]))
        for position in long_rows
    )


def _holds_row(cells: Sequence[str], pattern: RowPattern) -> bool:
    return any(
        line.count(pattern.separator) >= max(pattern.width, _MIN_WIDTH) - 1
        and pattern.fits(split_line(line, pattern.separator))
        for cell in cells
        for line in cell.splitlines()[1:]
    )


def _usual_width(rows: Sequence[Row]) -> int:
    return Counter(len(cells) for _, cells in rows[:_MOST_LINES]).most_common(1)[0][0]


@dataclass(frozen=True, slots=True)
class LenientRows:
    """The rows of a file with disordered quotes, and warnings."""

    rows: list[Row]
    warnings: list[str]
    has_unclosed_quotes: bool


def read_with_stray_quotes(lines: Iterable[str], separator: str, width: int) -> LenientRows:
    """Return the rows of a file in which quotes are not where they belong.

    A value goes over several lines only if its quote is closed and the lines do not all look like
    rows. Otherwise the quote is plain text. `width` is the number of columns.
    """
    lines = [line.rstrip("\r\n") for line in lines]
    # Lines of a longer value may look like short rows, so rows that are surely rows come first.
    pattern = pattern_of(_orderly_rows(lines, separator), separator, width)
    if not pattern.shapes:
        pattern = pattern_of(_one_line_rows(lines, separator), separator, width)
    reader = _QuoteReader(lines, pattern)
    return LenientRows(reader.rows(), reader.warnings(), reader.has_unclosed_quotes)


def _orderly_rows(lines: Sequence[str], separator: str) -> Iterator[list[str]]:
    """Yield the cells of the rows in front of the first disordered quote."""
    with suppress(csv.Error):
        yield from csv.reader((f"{line}\n" for line in lines), delimiter=separator, strict=True)


def _one_line_rows(lines: Sequence[str], separator: str) -> Iterator[list[str]]:
    found = (_strict_cells(line, separator) for line in lines)
    return (cells for cells in found if cells)


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

    @property
    def has_unclosed_quotes(self) -> bool:
        """Whether a quote is never closed, as far as the rows were read."""
        return bool(self._unclosed)

    def warnings(self) -> list[str]:
        """Return a warning for each of the first stray quotes, and one for the others."""
        warnings = [f"line {line}: {_unclosed(count)}" for line, count in self._unclosed]
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
        if cells and not self._swallows_rows(start, end):
            return cells, end
        self._unclosed.append((start + 1, self._swallowed(start)))
        return self._unclosed_row(start)

    def _swallows_rows(self, start: int, end: int) -> bool:
        """Return whether a row on several lines consists of rows, or ends in the middle of one.

        Rows that merely lie inside a value are noted.
        """
        pattern, inside = self._pattern, self._lines[start + 1 : end]
        if not pattern.shapes:
            return False
        alike = sum(pattern.fits(split_line(line, self._separator)) for line in inside)
        if pattern.fits(split_line(self._lines[start], self._separator)):
            is_broken = end < len(self._lines) and not self._begins_row(self._lines[end])
            if alike == len(inside) or (is_broken and self._begins_row(inside[0])):
                return True
        if alike:
            self._enclosing.append((start + 1, alike))
        return False

    def _one_line(self, line: str) -> list[str]:
        cells = split_line(line, self._separator)
        lazy = split_line(line, self._separator, is_lazy=True)
        lenient = next(csv.reader([line], delimiter=self._separator))
        readings = (cells, lazy, lenient, *_fully_quoted(line, self._separator))
        return next((one for one in readings if len(one) == self._pattern.width), cells)

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
        joined = "\n".join(self._lines[start:end])
        cells = split_line(joined, self._separator, is_lazy=True)
        return (cells, end) if len(cells) == self._pattern.width else (first, start + 1)

    def _begins_row(self, line: str) -> bool:
        return self._pattern.begins(split_line(line, self._separator))


def _fully_quoted(line: str, separator: str) -> list[list[str]]:
    """Return the cells of a line in which each value is quoted, whatever quotes the values hold."""
    if len(line) < _MIN_WIDTH or line[0] != '"' or line[-1] != '"':
        return []
    return [[cell.replace('""', '"') for cell in line[1:-1].split(f'"{separator}"')]]


def _is_open(line: str, separator: str) -> bool:
    """Return whether a quote that opens a value is not closed on its line."""
    if line[:1] == '"' and line.count('"') % 2 == 1:
        return True
    cells = split_line(line, separator)
    return any(cell.startswith('"') and cell.count('"') % 2 == 1 for cell in cells)


def _unclosed(count: int) -> str:
    """Return what is done about a quote that would put this many further lines into one value."""
    if not count:
        return "a quote is never closed; it is read as text"
    return (
        f"a quote is never closed; {_lines(count)} inside one value, now read as rows where they "
        "look like rows"
    )


def _lines(count: int) -> str:
    return f"{counted(count, 'line')} {'lies' if count == 1 else 'lie'}"
