"""Rewrites what GitBook, Hugo, MkDocs, Docusaurus and other dialects add to Markdown."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from features.imports.runbooks.page_markup import SHORTCODE, clean_line
from features.imports.runbooks.table_forms import with_markdown_tables

_SHORTCODE_LINK = re.compile(
    r"\{\{[<%]\s{0,5}(?:rel)?ref\s{1,5}\"([^\"\n]{1,300})\"\s{0,5}[%>]\}\}"
)
_RAW = re.compile(r"\{%-?\s*(?:end)?raw\s*-?%\}")
_FENCE = re.compile(r"^\s*(?:[-*+]\s+|\d{1,9}[.)]\s+)?(`{3,}(?!.*`)|~{3,})")
_HIGHLIGHT = re.compile(r"^\{\{[<%]\s*highlight\s+\"?(\w+)\"?[^\n]{0,300}?[%>]\}\}$")
_HIGHLIGHT_END = re.compile(r"^\{\{[<%]\s*/\s*highlight\s*[%>]\}\}$")
_PRE = re.compile(r"^<pre[^>\n]{0,200}>\s*(?:<code[^>\n]{0,200}>)?$", re.IGNORECASE)
_PRE_END = re.compile(r"^(?:</code>\s*)?</pre>$", re.IGNORECASE)
_INDENTED = re.compile(r"^(?:!!!|\?\?\?\+?)\s+([\w-]+)(.*)$")
_INDENTED_TAB = re.compile(r"^===[!+]?\s+[\"']([^\"']{1,200})[\"']$")
_COLONS = re.compile(r"^:::+\s*\{?\.?([a-zA-Z][\w-]*)\}?(.*)$")
_COLONS_END = re.compile(r"^():::+$")
_KINDS = (
    r"notice|alert|hint|admonition|callout|warning|note|tip|caution|danger|important|info|attention"
)
_NOTICE = re.compile(
    rf"^(?:\{{%-?\s*(hint\b[^%\n]{{0,300}})-?%\}}"
    rf"|\{{\{{[<%]\s*((?:{_KINDS})\b[^\n]{{0,300}}?)[%>]\}}\}})(.*)$",
    re.IGNORECASE,
)
_NOTICE_END = re.compile(
    rf"^(.*)(?:\{{%-?\s*endhint\s*-?%\}}|\{{\{{[<%]\s*/\s*(?:{_KINDS})\s*[%>]\}}\}})$",
    re.IGNORECASE,
)
_SEVERE_KIND = re.compile(
    r"\b(?:warning|caution|danger|important|attention|critical)\b", re.IGNORECASE
)
_TAB = re.compile(r"^(?:\{%-?\s*tab\b|\{\{[<%]\s*tab\b|<TabItem\b)(.{0,300}?)[%>]+\}{0,2}$")
_TAB_LABEL = re.compile(r"(?:\b(?:title|name|label|header|tabName)=|^\s*)[\"']([^\"']{1,100})[\"']")
_SNIPPET = re.compile(
    r"^-{1,2}8<-{1,2}|^import\s+[\w{},\s*]{1,200}\s+from\s+['\"][^'\"]{1,200}['\"];?$"
)
_CONTENTS = re.compile(
    r"^(?:[-*+]\s+|\d+\.\s+)?(?:\[\[?_{0,2}TOC_{0,2}\]?\]|\{:\s*toc[^}\n]{0,100}\}|TOC)$",
    re.IGNORECASE,
)
_LINE_ANNOTATION = re.compile(r"\s*(?:#|//|--|;|<!--|/\*)\s*(?:\(\d{1,3}\)!?\s*)+(?:-->|\*/)?\s*$")
# AsciiDoc and Confluence mark headings and items in their own way.
_ASCIIDOC_HEADING = re.compile(r"^(={1,6}) (?![\"'=])(\S.*?)(?: =+)?$")
_CONFLUENCE_HEADING = re.compile(r"^h([1-6])\. (\S.*)$")
_ASCIIDOC_ITEM = re.compile(r"^\.{1,3} (?=\S)")
_AROUND_TITLE = " []\"'"
_DEEPEST = 10
_INDENT = 4


def to_commonmark(text: str) -> str:
    """Return a page as CommonMark with tables.

    Notices become quotes that begin with their kind, such as `[!WARNING]`. The label of a tab
    becomes a line above its content. Comments and other markup are removed.

    >>> print(to_commonmark('!!! danger "Data loss"' + chr(10) + '    Do not restart both.'))
    > [!DANGER] Data loss.
    > Do not restart both.
    """
    visible = _SHORTCODE_LINK.sub(r"\1", _without_comments(text))
    lines = list(with_markdown_tables(visible.split("\n")))
    rewriter = _Rewriter(_last_places(lines))
    return "\n".join(
        rewritten for place, line in enumerate(lines) for rewritten in rewriter.lines(place, line)
    )


def _without_comments(text: str) -> str:
    start, *parts = text.split("<!--")
    visible = [part.partition("-->")[2] if "-->" in part else f"<!--{part}" for part in parts]
    return start + "".join(visible)


def _last_places(lines: Sequence[str]) -> dict[re.Pattern[str], int]:
    """Return for each kind of end the place of the last line that is one, -1 if there is none."""
    last = dict.fromkeys((_COLONS_END, _NOTICE_END, _HIGHLIGHT_END, _PRE_END), -1)
    for place, line in enumerate(lines):
        for end in last:
            if end.match(line.strip()):
                last[end] = place
    return last


@dataclass(frozen=True, slots=True)
class _Container:
    """An open block. Without an `end` it lasts as long as its lines are indented."""

    indent: int
    end: re.Pattern[str] | None
    is_quote: bool


@dataclass(slots=True)
class _Rewriter:
    """Rewrites line by line; `ends` are the places where a block of each kind ends last."""

    ends: dict[re.Pattern[str], int]
    containers: list[_Container] = field(default_factory=list)
    fence: str = ""
    fence_end: re.Pattern[str] | None = None

    def lines(self, place: int, line: str) -> Iterator[str]:
        """Yield what a line becomes."""
        if self.fence or self.fence_end:
            yield self._lead() + self._code(line)
            return
        indent = len(line) - len(line.lstrip())
        if "\t" in line[:indent]:
            line = line[:indent].expandtabs(_INDENT) + line.lstrip()
            indent = len(line) - len(line.lstrip())
        if line.strip() and self._leave(indent):
            yield ""
        content = self._dedented(line)
        yield from (
            self._fenced(place, content)
            or self._ended(content)
            or self._opened(place, indent, content)
            or [self._lead() + self._plain(content)]
        )

    def _lead(self) -> str:
        """Return what begins each line of the open blocks."""
        indent = self.containers[0].indent if self.containers else 0
        return " " * indent + "> " * sum(block.is_quote for block in self.containers)

    def _dedented(self, line: str) -> str:
        width = _INDENT * sum(block.end is None for block in self.containers)
        width += self.containers[0].indent if self.containers else 0
        return line[min(width, len(line) - len(line.lstrip())) :]

    def _leave(self, indent: int) -> bool:
        """Close the blocks that a line with this indent does not belong to."""
        count = len(self.containers)
        while self.containers and (
            self.containers[-1].end is None and indent < self.containers[-1].indent + _INDENT
        ):
            self.containers.pop()
        return len(self.containers) < count

    def _code(self, line: str) -> str:
        content = self._dedented(line)
        bare = content.strip()
        if self.fence_end is not None and self.fence_end.match(bare):
            self.fence_end = None
            return "```"
        if self.fence and len(bare) >= len(self.fence) and not bare.strip(self.fence[0]):
            self.fence = ""
            return content
        return SHORTCODE.sub("", _RAW.sub("", _LINE_ANNOTATION.sub("", content)))

    def _fenced(self, place: int, content: str) -> list[str]:
        """Return the beginning of fenced code, or nothing."""
        opening = _FENCE.match(content)
        if opening:
            self.fence = opening[1]
            return [self._lead() + content]
        bare = content.strip()
        for begin, end in ((_HIGHLIGHT, _HIGHLIGHT_END), (_PRE, _PRE_END)):
            match = begin.match(bare)
            if match and self.ends[end] > place:
                self.fence_end = end
                language = match[1] if begin is _HIGHLIGHT else ""
                return [f"{self._lead()}```{language}"]
        return []

    def _ended(self, content: str) -> list[str]:
        """Close the innermost block that ends with this line; return the text before the end."""
        for place in range(len(self.containers) - 1, -1, -1):
            end = self.containers[place].end
            if end is None:
                continue
            match = end.match(content.strip())
            if match is None:
                return []
            last = [self._lead() + clean_line(match[1])] if match[1].strip() else []
            del self.containers[place:]
            return [*last, ""]
        return []

    def _opened(self, place: int, indent: int, content: str) -> list[str]:
        """Return the beginning of a notice or the label of a tab, or nothing."""
        bare = content.strip()
        if len(self.containers) >= _DEEPEST or not bare:
            return []
        before = self._lead() + " " * (len(content) - len(content.lstrip()))
        if match := _INDENTED_TAB.match(bare):
            self.containers.append(_Container(indent, None, is_quote=False))
            return [f"{before}{match[1]}:", before]
        if match := _INDENTED.match(bare):
            self.containers.append(_Container(indent, None, is_quote=True))
            return [f"{before}> {_kind_and_title(match[1], match[2])}"]
        if match := _TAB.match(bare):
            label = _TAB_LABEL.search(match[1].rpartition(" label=")[2] or match[1])
            return [f"{before}{label[1]}:" if label else before, before]
        if (match := _COLONS.match(bare)) and self.ends[_COLONS_END] > place:
            self.containers.append(_Container(indent, _COLONS_END, is_quote=True))
            return [f"{before}> {_kind_and_title(match[1], match[2])}"]
        if match := _NOTICE.match(bare):
            return self._notice(place, indent, before, match)
        return []

    def _notice(self, place: int, indent: int, before: str, match: re.Match[str]) -> list[str]:
        severe = _SEVERE_KIND.search(match[1] or match[2])
        whole = _NOTICE_END.match(match[3])
        text = clean_line(whole[1] if whole else match[3]).strip()
        if whole is None and self.ends[_NOTICE_END] > place:
            self.containers.append(_Container(indent, _NOTICE_END, is_quote=True))
        kind = severe[0].upper() if severe else "NOTE"
        return [f"{before}> [!{kind}] {text}".rstrip(), *([""] if whole else [])]

    def _plain(self, content: str) -> str:
        bare = content.strip()
        if _SNIPPET.match(bare) or _CONTENTS.match(bare) or bare.startswith(":::"):
            return ""
        if heading := _ASCIIDOC_HEADING.match(content):
            content = f"{'#' * len(heading[1])} {heading[2]}"
        elif heading := _CONFLUENCE_HEADING.match(content):
            content = f"{'#' * int(heading[1])} {heading[2]}"
        return clean_line(_ASCIIDOC_ITEM.sub("1. ", content))


def _kind_and_title(kind: str, title: str) -> str:
    bare = title.strip(_AROUND_TITLE)
    end = "" if not bare or bare.endswith((".", ":", "!", "?")) else "."
    return f"[!{kind.upper()}] {bare}{end}".rstrip()
