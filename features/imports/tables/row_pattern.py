"""How the rows of a csv file look, and the cells of a line with disordered quotes."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from features.imports.tables.note_rows import shape_of

_EXAMPLES = 2_000
_MIN_EXAMPLES = 3
_MAX_SHAPES = 6
_MIN_SHARE = 0.75
_LONGEST_VALUE = 40


@dataclass(frozen=True, slots=True)
class RowPattern:
    """How rows look: their number of cells, and the shapes of values in columns with few shapes.

    Columns of ids and times have few shapes, all with digits: `INC1` has the shape `a9`.
    """

    separator: str
    width: int
    shapes: Mapping[int, frozenset[str]]

    @property
    def is_telling(self) -> bool:
        """Whether the shapes tell rows from other text, as those of an id or a time do."""
        return len(self.shapes) > 1 or any(
            len(shape) > 1 for shapes in self.shapes.values() for shape in shapes
        )

    def fits(self, cells: Sequence[str]) -> bool:
        """Return whether cells look like a row of the table."""
        return len(cells) == self.width and all(
            shape_of(cells[column]) in shapes for column, shapes in self.shapes.items()
        )

    def begins(self, cells: Sequence[str]) -> bool:
        """Return whether cells look like the beginning of a row, or like a whole row."""
        if not self.shapes:
            return len(cells) == self.width
        # The value whose quote is open goes on in the next line, so it has no shape yet.
        known = [
            column
            for column in self.shapes
            if column < len(cells) and not cells[column].startswith('"')
        ]
        is_alike = all(shape_of(cells[column]) in self.shapes[column] for column in known)
        return bool(known) and is_alike and len(cells) <= self.width

    def resembles(self, cells: Sequence[str]) -> bool:
        """Return whether at least one of the values has the shape of its column."""
        return any(
            shape_of(cells[column]) in shapes
            for column, shapes in self.shapes.items()
            if column < len(cells)
        )


def pattern_of(rows: Iterable[Sequence[str]], separator: str, width: int) -> RowPattern:
    """Return how rows look, from the first 2,000 that have the given number of cells.

    >>> pattern = pattern_of([["INC1", "VPN"], ["INC2", "Mail"], ["INC3", "VPN"]], ",", 2)
    >>> pattern.fits(["INC77", "text"]), pattern.fits(["some", "text"])
    (True, False)
    """
    examples = list(islice((cells for cells in rows if len(cells) == width), _EXAMPLES))
    shapes = {}
    for column in range(width):
        values = [cells[column] for cells in examples if cells[column].strip()]
        if max(map(len, values), default=0) > _LONGEST_VALUE:
            continue
        counts = Counter(map(shape_of, values))
        found = {shape: count for shape, count in counts.most_common(_MAX_SHAPES) if "9" in shape}
        # The header, and rows that are no records, have other shapes.
        if sum(found.values()) >= max(_MIN_EXAMPLES, _MIN_SHARE * len(examples)):
            shapes[column] = frozenset(found)
    return RowPattern(separator, width, shapes)


def split_line(line: str, separator: str, *, is_lazy: bool = False) -> list[str]:
    """Return the cells of one line; a quote that is not closed before a separator is plain text.

    With `is_lazy`, a value that begins with a quote ends at the first quote before a separator,
    whatever quotes it holds.

    >>> split_line('1,"a, b","screen" is black,"never closed', ",")
    ['1', 'a, b', '"screen" is black', '"never closed']
    >>> split_line('"1","the "big, red" one"', ",", is_lazy=True)
    ['1', 'the "big, red" one']
    """
    mark = re.escape(separator)
    quoted = r".*?" if is_lazy else r'(?:[^"]|"")*'
    cell = re.compile(rf'(?:"({quoted})"(?={mark}|\Z)|([^{mark}]*))({mark}|\Z)', re.DOTALL)
    cells, position = [], 0
    while match := cell.match(line, position):
        # Where the first value is quoted, all are, so a value's outer quotes are no text.
        plain = _unquoted(match[2] or "") if line[:1] == '"' else match[2]
        cells.append(plain if match[1] is None else match[1].replace('""', '"'))
        position = match.end()
        if not match[3]:
            break
    return cells


def _unquoted(text: str) -> str:
    is_quoted = len(text) > 1 and text.startswith('"') and text.endswith('"')
    return text[1:-1] if is_quoted else text
