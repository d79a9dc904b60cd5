"""Rewrites tables of HTML, Confluence and reStructuredText as tables of Markdown."""

import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser

_FENCE = re.compile(r"^\s*(?:`{3,}|~{3,})")
_HTML = re.compile(r"^\s{0,3}(?:<div[^>]{0,200}>\s*)?<table\b", re.IGNORECASE)
_HTML_END = re.compile(r"</table\s*>", re.IGNORECASE)
_CONFLUENCE_HEAD = re.compile(r"^\s*\|\|(?!\s*$).*\|\|\s*$")
_GRID = re.compile(r"^\s*\+(?:[-=]{2,}\+)+\s*$")
_MOST_LINES = 3_000
_SPACED = frozenset(("br", "p", "li", "div", "ul", "ol"))


def with_markdown_tables(lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a page with each table in the form of Markdown; code stays as it is.

    >>> print(*with_markdown_tables(["||Alert||Fix||", "|E17|oil|"]), sep=chr(10))
    |Alert|Fix|
    |---|---|
    |E17|oil|
    """
    fence = ""
    searched = 0
    place = 0
    while place < len(lines):
        line = lines[place]
        place += 1
        if mark := _FENCE.match(line):
            sign = mark[0].strip()[:3]
            fence = "" if sign == fence else fence or sign
        if fence or mark:
            yield line
        elif _HTML.match(line) and (end := _end_of_html(lines, place - 1, searched)):
            text = "\n".join(lines[place - 1 : end])
            table, _, after = text.rpartition(">")
            yield from ("", *_markdown(_html_rows(f"{table}>")), "", after)
            place = end
        elif _GRID.match(line):
            end = place
            while end < len(lines) and lines[end].strip()[:1] in ("|", "+"):
                end += 1
            yield from ("", *_markdown(_grid_rows(lines[place:end])), "")
            place = end
        elif _CONFLUENCE_HEAD.match(line):
            heads = line.strip()[2:-2].split("||")
            yield f"|{'|'.join(heads)}|"
            yield f"|{'---|' * len(heads)}"
        else:
            if _HTML.match(line):
                searched = place - 1 + _MOST_LINES
            yield line


def _end_of_html(lines: Sequence[str], start: int, searched: int) -> int:
    """Return the place after the table's last line, 0 if it has no end.

    Before the place `searched` there is none.
    """
    for place in range(max(start, searched), min(len(lines), start + _MOST_LINES)):
        if _HTML_END.search(lines[place]):
            return place + 1
    return 0


def _markdown(rows: Sequence[tuple[bool, Sequence[str]]]) -> Iterator[str]:
    """Yield the rows as Markdown; each comes with whether it is a head."""
    width = max((len(cells) for _, cells in rows), default=0)
    if not width:
        return
    has_head = rows[0][0]
    heads = list(rows[0][1]) if has_head else []
    for number, cells in enumerate([heads, *(cells for _, cells in rows[has_head:])]):
        filled = [" ".join(cell.split()).replace("|", r"\|") for cell in cells]
        yield f"| {' | '.join([*filled, *[''] * (width - len(filled))])} |"
        if number == 0:
            yield f"|{'---|' * width}"


def _grid_rows(lines: Sequence[str]) -> list[tuple[bool, list[str]]]:
    rows: list[tuple[bool, list[str]]] = []
    cells: list[str] = []
    for line in lines:
        if line.strip()[:1] == "+":
            if cells:
                rows.append(("=" in line and not rows, cells))
            cells = []
            continue
        parts = line.strip().strip("|").split("|")
        cells = [f"{old} {new}" for old, new in zip(cells, parts, strict=False)] or parts
    return rows


def _html_rows(text: str) -> list[tuple[bool, list[str]]]:
    parser = _HtmlTable()
    parser.feed(text)
    parser.close()
    return [(is_head, cells) for is_head, cells in parser.rows if any(map(str.strip, cells))]


class _HtmlTable(HTMLParser):
    """Collects the rows of a table: whether all cells are heads, and the texts of the cells."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[tuple[bool, list[str]]] = []
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append((True, []))
        elif tag in ("td", "th"):
            if not self.rows:
                self.rows.append((True, []))
            is_head, cells = self.rows[-1]
            self.rows[-1] = (is_head and tag == "th", [*cells, ""])
        elif tag == "a":
            self._links.append(dict(attrs).get("href") or "")
            self._add("[")
        elif tag == "code":
            self._add("`")
        elif tag in _SPACED:
            self._add(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._links:
            self._add(f"]({self._links.pop()})")
        elif tag == "code":
            self._add("`")

    def handle_data(self, data: str) -> None:
        self._add(data)

    def _add(self, text: str) -> None:
        if self.rows and self.rows[-1][1]:
            self.rows[-1][1][-1] += text
