"""Tells which rows are no records: repeated headers, rules, comments, totals and notes."""

import re
from collections.abc import Mapping, Sequence

_LETTERS = re.compile(r"[^\W\d_]+")
_NUMBERS = re.compile(r"\d+")
_COMMENT = re.compile(r"#+\s*[^\W\d]")
_RULE = re.compile(r"[-=+]{2,}")
_WORDS = (
    r"(?:(?:grand |sub[- ]?)?totals?|sum|count|summe|zwischensumme|gesamt|insgesamt|anzahl|somme"
    r"|suma|totale|totaal|soma|razem|ogółem|итого|всего|合計|小計|总计|合计|總計|합계|소계|toplam"
    r"|summa|celkem|yhteensä)"
)
_TOTAL = re.compile(
    rf"{_WORDS}\s*:?\s*[\d.,]*|{_WORDS}(?: \w+){{1,3}}\s*[:=]\s*[\d.,]+|{_WORDS} \d+ \w+|"
    r"\(?\d+ (?:rows?|records?|results?|zeilen|datensätze|lignes|filas)\b.*",
    re.IGNORECASE,
)
_SUBTOTAL = re.compile(rf"{_WORDS}\b|.*\b{_WORDS}\s*:?\s*$", re.IGNORECASE)
_NUMBER = re.compile(r"[\d.,:%h ]+")
_PAGE = re.compile(
    r"(?:page|seite|pagina|página|strona|страница|sayfa|sida|ページ)\s*:?\s*\d+"
    r"(?:\s*(?:of|von|sur|de|di|van|z|из|av|/)\s*\d+)?",
    re.IGNORECASE,
)
_SAMPLE = 200
_MOST_NOTES = 5
_MOST_SHAPES = 6
_SHOWN = 40


def marking_reason(cells: Sequence[str], header: Sequence[str]) -> str | None:
    """Return why a row is no record, if it repeats the header, or is a rule or a comment.

    >>> marking_reason(["# first week", "", ""], ["Number", "Title", "Group"])
    'is a comment'
    """
    if cells[0].strip().casefold() == header[0].strip().casefold() and [
        cell.casefold() for cell in _known(cells)
    ] == [cell.casefold() for cell in _known(header)]:
        return "repeats the header"
    mark = cells[0][:1]
    if mark == "#" and _COMMENT.match(cells[0]) and _has_few(cells, len(header)):
        return "is a comment"
    if mark and mark in "-=+" and all(_RULE.fullmatch(cell) for cell in _known(cells)):
        return "is a rule between rows"
    return None


def note_reasons(rows: Sequence[Sequence[str]]) -> Mapping[int, str]:
    """Return why rows are no records, by position, for totals and notes below the table.

    A note has one filled cell, at the beginning, which is unlike the other values of its column.

    >>> rows = [["INC1", "VPN", "Net"], ["INC2", "Mail", "Mail"], ["made by Ana", "", ""]]
    >>> note_reasons(rows)
    {2: "is a note below the table: 'made by Ana'"}
    """
    width = len(rows[0]) if rows else 0
    # A row of two cells is as likely a record without a text as a note.
    scarce = [n for n, cells in enumerate(rows) if cells.count("") >= max(2, width - 2)]
    few = {n for n in scarce if len(_known(rows[n])) == 1}
    last = range(max(0, len(rows) - _MOST_NOTES), len(rows))
    reasons: dict[int, str] = {}
    for n in sorted({*scarce, *last}):
        cells = rows[n]
        text = next((cell.strip() for cell in cells if cell.strip()), "")
        if n in few and _PAGE.fullmatch(text):
            reasons[n] = f"is the number of a page: {text[:_SHOWN]!r}"
        elif "" in cells and (_TOTAL.fullmatch(text) or _is_subtotal(cells, text, rows)):
            reasons[n] = f"is a total: {text[:_SHOWN]!r}"
        # Where many rows have one cell, these are continued values rather than notes.
        elif n in last and width > 2 and 2 * len(scarce) <= len(rows) and _is_note(cells, rows):
            reasons[n] = f"is a note below the table: {text[:_SHOWN]!r}"
    return reasons


def shape_of(text: str) -> str:
    """Return the shape of a value: each run of letters as `a`, each run of digits as `9`.

    >>> shape_of("INC001"), shape_of("Total: 2")
    ('a9', 'a: 9')
    """
    return _NUMBERS.sub("9", _LETTERS.sub("a", text.strip()))


def _known(cells: Sequence[str]) -> list[str]:
    return [cell.strip() for cell in cells if cell.strip()]


def _has_few(cells: Sequence[str], width: int) -> bool:
    # In a table of two columns, a row with one value is as likely a record.
    return len(cells) == 1 < width or (width > 2 and 2 * len(_known(cells)) <= width)


def _is_subtotal(cells: Sequence[str], text: str, rows: Sequence[Sequence[str]]) -> bool:
    """Return whether a row has a total and numbers, and its first value is unlike the others."""
    if not cells[0].strip() or not _SUBTOTAL.match(text):
        return False
    numbers = [cell for cell in _known(cells) if cell != text]
    others = {shape_of(row[0]) for row in rows[:_SAMPLE] if "" not in row}
    return (
        bool(numbers)
        and all(_NUMBER.fullmatch(number) for number in numbers)
        and 0 < len(others) <= _MOST_SHAPES
        and shape_of(text) not in others
    )


def _is_note(cells: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    text = cells[0].strip()
    if " " not in text or any(cell.strip() for cell in cells[1:]):
        return False
    others = {shape_of(row[0]) for row in rows[:_SAMPLE] if row[0] and row is not cells}
    # A column of free texts has a shape for nearly every value, which tells nothing.
    return 0 < len(others) <= _MOST_SHAPES and shape_of(text) not in others
