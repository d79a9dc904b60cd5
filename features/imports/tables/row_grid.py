"""Turns rows of cells into a table: finds the header, and leaves out rows that are no records."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from features.domain.history import RejectedRow
from features.imports.tables.note_rows import marking_reason, note_reasons
from features.imports.tables.table import Table, unique_names

_SAMPLE = 200
_MAX_BANNER = 20
_LONGEST_NAME = 80
_DIGIT = re.compile(r"\d")


Row = tuple[int, list[str]]
"""A row of cells that is not blank, with its line number in the file."""


def header_position(rows: Sequence[Row]) -> int:
    """Return the position of the header, which is 0 unless titles stand above it.

    The header has at least as many filled cells as rows usually have, and a column below it has
    values with digits (ids, times), which the name of the column has not.

    >>> rows = [["Incidents of May", ""], ["Number", "Title"], ["INC1", "VPN"], ["INC2", "Mail"]]
    >>> header_position(list(enumerate(rows, start=1)))
    1
    """
    sample = rows[:_SAMPLE]
    if len(sample) < 2 or len(_trimmed(sample[0][1])) >= _usual_width(sample):
        return 0
    usual = _usual(_filled(cells) for _, cells in sample)
    for position, (_, cells) in enumerate(sample[:_MAX_BANNER]):
        following = sample[position + 1 :]
        if _filled(cells) >= usual and _names_columns(cells, following):
            return position
    return 0


def table_of_rows(rows: Sequence[Row]) -> Table:
    """Return the table below the header; rows that are no records are rejected with a reason."""
    if not rows:
        return Table({}, ())
    position = header_position(rows)
    header = rows[position][1]
    kept, lines, cell_counts, rejected = _select(rows[position + 1 :], header)
    kept, lines, cell_counts = _without_notes(kept, lines, cell_counts, rejected)
    rejected.sort(key=lambda row: row.line)
    return Table(
        _columns(header, kept),
        lines,
        tuple(rejected),
        cell_counts,
        tuple(_title_warnings(rows[:position])),
    )


def _columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, Sequence[str]]:
    """Return the columns; one without a name is called by its number, or left out if blank."""
    values: Sequence[Sequence[str]] = list(zip(*rows, strict=True)) or [[] for _ in header]
    named = [
        (name if name.strip() else f"column {number}", column)
        for number, (name, column) in enumerate(zip(header, values, strict=True), start=1)
        if name.strip() or any(column)
    ]
    names = unique_names([name for name, _ in named])
    return dict(zip(names, (column for _, column in named), strict=True))


def _select(
    rows: Iterable[Row], header: list[str]
) -> tuple[list[list[str]], list[int], dict[int, int], list[RejectedRow]]:
    """Return the rows padded to the header's width, their lines and short rows, and the rest."""
    width = len(header)
    kept: list[list[str]] = []
    lines: list[int] = []
    cell_counts: dict[int, int] = {}
    rejected: list[RejectedRow] = []
    for line, cells in rows:
        # Some programs end each line with a separator, but not the header.
        if len(cells) > width:
            cells = _trimmed(cells, width)
        if len(cells) > width:
            reason = f"has {len(cells)} values, but the header names {width} columns"
            rejected.append(RejectedRow(line, "", reason))
        elif (problem := marking_reason(cells, header)) is not None:
            rejected.append(RejectedRow(line, "", problem))
        else:
            if len(cells) < width:
                cell_counts[len(kept)] = len(cells)
                cells = [*cells, *[""] * (width - len(cells))]
            kept.append(cells)
            lines.append(line)
    return kept, lines, cell_counts, rejected


def _without_notes(
    rows: list[list[str]],
    lines: list[int],
    cell_counts: dict[int, int],
    rejected: list[RejectedRow],
) -> tuple[list[list[str]], list[int], dict[int, int]]:
    """Return the rows without totals and notes, which are added to `rejected`."""
    notes = note_reasons(rows)
    if not notes or len(notes) == len(rows):
        return rows, lines, cell_counts
    rejected += (RejectedRow(lines[n], "", reason) for n, reason in notes.items())
    kept = [n for n in range(len(rows)) if n not in notes]
    counts = {new: cell_counts[old] for new, old in enumerate(kept) if old in cell_counts}
    return [rows[n] for n in kept], [lines[n] for n in kept], counts


def _title_warnings(rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    text = " ".join(cell for cell in rows[0][1] if cell.strip())
    first, last = rows[0][0], rows[-1][0]
    where = f"line {first} stands" if len(rows) == 1 else f"lines {first} to {last} stand"
    verb = "is" if len(rows) == 1 else "are"
    return [f"{where} above the header and {verb} left out: {text[:60]!r}"]


def _usual_width(rows: Iterable[Row]) -> int:
    return _usual(len(_trimmed(cells)) for _, cells in rows)


def _usual(numbers: Iterable[int]) -> int:
    """Return the number of cells that most cells have as their row's number."""
    counts = Counter(numbers)
    return max(counts, key=lambda number: number * counts[number])


def _trimmed(cells: list[str], least: int = 1) -> list[str]:
    """Return the cells without the blank ones at the end."""
    end = len(cells)
    while end > least and not cells[end - 1].strip():
        end -= 1
    return cells[:end]


def _filled(cells: Iterable[str]) -> int:
    return sum(1 for cell in cells if cell.strip())


def _names_columns(cells: Sequence[str], following: Sequence[Row]) -> bool:
    names = [cell for cell in cells if cell.strip()]
    if len(set(names)) < len(names) or max(map(len, names)) > _LONGEST_NAME:
        return False
    for column, name in enumerate(cells):
        values = [row[column] for _, row in following if column < len(row)]
        known = [value for value in values if value.strip()]
        with_digits = sum(1 for value in known if _DIGIT.search(value))
        if name.strip() and not _DIGIT.search(name) and with_digits > 0.6 * len(known):
            return True
    return False
