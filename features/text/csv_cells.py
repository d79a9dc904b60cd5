"""Cells of CSV files that spreadsheets show as text instead of computing them as formulas."""

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")  # noqa: RUF001


def escape_formula(text: str) -> str:
    """Return a text with an apostrophe before it if a spreadsheet would take it for a formula.

    Method: OWASP, CSV Injection. `unescape_formula` returns the text as it was.

    >>> escape_formula("=1+1"), escape_formula("VPN")
    ("'=1+1", 'VPN')
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unescape_formula(cell: str) -> str:
    """Return the text of a cell that `escape_formula` made.

    >>> unescape_formula(escape_formula("'-1")), unescape_formula("'quoted'")
    ("'-1", "'quoted'")
    """
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
