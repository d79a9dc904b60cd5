"""Rewrites what GitBook, Hugo, MkDocs, Docusaurus and HTML add to Markdown into CommonMark."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from features.imports.runbooks.anchors import ANCHOR_END, ANCHOR_START

_SHORTCODE_LINK = re.compile(
    r"\{\{[<%]\s{0,5}(?:rel)?ref\s{1,5}\"([^\"\n]{1,300})\"\s{0,5}[%>]\}\}"
)
_SHORTCODE = re.compile(r"\{\{[<%][^\n]{0,300}?[%>]\}\}")
_LIQUID = re.compile(r"\{%-?[^%\n]{0,300}-?%\}")
_RAW = re.compile(r"\{%-?\s*(?:end)?raw\s*-?%\}")
_FENCE = re.compile(r"^\s*(?:[-*+]\s+|\d{1,9}[.)]\s+)?(`{3,}|~{3,})(.*)$")
_INDENTED = re.compile(r"^(?:!!!|\?\?\?\+?)\s+([\w-]+)(.*)$")
_INDENTED_TAB = re.compile(r"^===[!+]?\s+[\"']([^\"']{1,200})[\"']\s*$")
_COLONS = re.compile(r"^:::+\s*\{?\.?([a-zA-Z][\w-]*)(.*)$")
_COLONS_END = re.compile(r"^:::+\s*$")
_HINT = re.compile(r"^\{%-?\s*hint\b([^%\n]{0,300})%\}(.*)$")
_HINT_END = re.compile(r"\{%-?\s*endhint\s*-?%\}")
_NOTICE_NAMES = (
    r"notice|alert|hint|admonition|callout|warning|note|tip|caution|danger|important|info|attention"
)
_NOTICE = re.compile(
    rf"^\{{\{{[<%]\s*({_NOTICE_NAMES})\b([^\n]{{0,300}}?)/?[%>]\}}\}}(.*)$", re.IGNORECASE
)
_NOTICE_END = re.compile(rf"\{{\{{[<%]\s*/\s*(?:{_NOTICE_NAMES})\s*[%>]\}}\}}", re.IGNORECASE)
_TAB = re.compile(
    r"^\s*(?:\{%-?\s*tab\b|\{\{[<%]\s*tab\b|<TabItem\b)([^\n]{0,300}?)(?:[%>]\}\}?|>)\s*$"
)
_TAB_LABEL = re.compile(r"(?:(?:title|name|label|header|tabName)=)?[\"']([^\"']{1,100})[\"']")
_HIGHLIGHT = re.compile(r"^\{\{[<%]\s*highlight\s+\"?(\w+)\"?[^\n]{0,300}?[%>]\}\}\s*$")
_HIGHLIGHT_END = re.compile(r"^\{\{[<%]\s*/\s*highlight\s*[%>]\}\}\s*$")
_PRE = re.compile(r"^<pre[^>\n]{0,200}>\s*(?:<code[^>\n]{0,200}>)?(.*)$", re.IGNORECASE)
_PRE_END = re.compile(r"(?:</code>\s*)?</pre>\s*$", re.IGNORECASE)
_SNIPPET = re.compile(r"^-{1,2}8<-{1,2}")
_IMPORT = re.compile(r"^import\s+[\w{},\s*]{1,200}\s+from\s+['\"][^'\"]{1,200}['\"];?\s*$")
_CONTENTS = re.compile(
    r"^(?:[-*+]\s+|\d+\.\s+)?(?:\[\[?_?TOC_?\]?\]|\{:\s*toc[^}\n]{0,100}\}|TOC|\[\[__TOC__\]\])\s*$",
    re.IGNORECASE,
)
_CODE_SPAN = re.compile(r"(`+)(?!`)(?:[^`\n]|(?!\1(?!`))`)*?(?<!`)\1(?!`)")
_ATTRIBUTE = r"(?:[.#][\w:-]+|[\w:-]+=(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s}\"']+))"
_ATTRIBUTES = re.compile(
    rf"\{{:[^}}\n]{{0,300}}\}}|(?<![$\w{{\"'=])\{{:?[ ]?{_ATTRIBUTE}(?:[ ]{_ATTRIBUTE}){{0,20}}[ ]?\}}(?!\}})"
)
_IDENTIFIER = re.compile(r"#([\w:.-]{1,200})")
_NAMED_ANCHOR = re.compile(
    r"<(?:a|span|div)\s+(?:name|id)\s*=\s*[\"']?([^\"'>\s]{1,200})[\"']?\s*/?>(?:\s*</(?:a|span|div)>)?",
    re.IGNORECASE,
)
_HTML_LINK = re.compile(
    r"<a\s[^>\n]{0,200}?href\s*=\s*[\"']([^\"'>\s]{1,500})[\"'][^>\n]{0,200}>([^<\n]{1,300})</a>",
    re.IGNORECASE,
)
_HTML_HEADING = re.compile(
    r"^\s*<h([1-6])(?:\s+[^>\n]{0,200})?>([^\n]{1,300}?)</h\1>\s*$", re.IGNORECASE
)
_HTML_ID = re.compile(r"\bid\s*=\s*[\"']?([^\"'>\s]{1,200})", re.IGNORECASE)
_HTML_TAG = re.compile(
    r"</?(?:a|abbr|b|big|blockquote|br|center|code|details|div|em|figure|figcaption|font|hr|i|img"
    r"|kbd|li|mark|nobr|ol|p|picture|section|small|source|span|strong|sub|summary|sup|u|ul|Tabs"
    r"|TabItem|Tab|Callout|Admonition|Steps|Step|CodeBlock)(?:\s[^<>\n]{0,300})?\s?/?>"
)
_LINE_ANNOTATION = re.compile(r"\s*(?:#|//|--|;|<!--|/\*)\s*(?:\(\d{1,3}\)!?\s*)+(?:-->|\*/)?\s*$")
_DEEPEST = 10
_INDENT = 4


@dataclass(frozen=True, slots=True)
class _Container:
    """An open block: it ends at a line that matches `end`, or that is indented less."""

    indent: int
    end: re.Pattern[str] | None
    is_quoted: bool


def to_commonmark(text: str) -> str:
    """Return a page as CommonMark with tables.

    Notices become quotes that begin with their kind, such as `[!WARNING]`. The label of a tab
    becomes a line above its content. Named anchors become marks, which `take_anchors` reads.
    Comments, other shortcodes and attributes are removed.

    >>> print(to_commonmark('!!! danger "Data loss"' + chr(10) + '    Do not restart both.'))
    > [!DANGER] Data loss
    > Do not restart both.
    """
    visible = _SHORTCODE_LINK.sub(r"\1", _without_comments(text.expandtabs(_INDENT)))
    return "\n".join(_rewritten(visible.splitlines()))


def _without_comments(text: str) -> str:
    start, *parts = text.split("<!--")
    visible = [part.partition("-->")[2] if "-->" in part else f"<!--{part}" for part in parts]
    return start + "".join(visible)


def _rewritten(lines: list[str]) -> Iterator[str]:
    open_blocks: list[_Container] = []
    ends = _last_ends(lines)
    fence = ""
    for number, line in enumerate(lines):
        if not fence and line.strip():
            while open_blocks and _is_left(open_blocks[-1], line):
                open_blocks.pop()
                yield ""
        content = _dedented(line, open_blocks)
        lead = _lead(open_blocks)
        if fence:
            if _closes(fence, content):
                fence = ""
                yield lead + ("```" if not _FENCE.match(content) else content)
            else:
                yield lead + _SHORTCODE.sub("", _RAW.sub("", _LINE_ANNOTATION.sub("", content)))
            continue
        opening = _FENCE.match(content)
        stripped = content.strip()
        if opening and not (opening[1][0] == "`" and "`" in opening[2]):
            fence = opening[1]
            yield lead + content
        elif (match := _HIGHLIGHT.match(stripped)) and ends[_HIGHLIGHT_END] > number:
            fence = "highlight"
            yield f"{lead}```{match[1]}"
        elif (
            (match := _PRE.match(stripped))
            and ends[_PRE_END] > number
            and not _PRE_END.search(stripped)
        ):
            fence = "pre"
            yield f"{lead}```"
            if match[1].strip():
                yield lead + match[1]
        elif (end := _end_of(open_blocks, content)) is not None:
            rest = end[0]
            if rest.strip():
                yield lead + _cleaned(rest)
            del open_blocks[end[1] :]
            yield ""
        else:
            yield from _opened_or_plain(content, line, lead, open_blocks, ends, number)


def _opened_or_plain(
    content: str,
    line: str,
    lead: str,
    open_blocks: list[_Container],
    ends: dict[re.Pattern[str], int],
    number: int,
) -> Iterator[str]:
    stripped = content.strip()
    indent = len(line) - len(line.lstrip())
    padding = " " * (len(content) - len(content.lstrip()))
    is_room = len(open_blocks) < _DEEPEST
    if is_room and (match := _INDENTED_TAB.match(stripped)):
        open_blocks.append(_Container(indent, None, is_quoted=False))
        yield from (f"{lead}{padding}{match[1]}:", lead)
    elif is_room and (match := _INDENTED.match(stripped)):
        open_blocks.append(_Container(indent, None, is_quoted=True))
        yield f"{lead}{padding}> {_label(match[1], match[2])}"
    elif (match := _COLONS.match(stripped)) or _COLONS_END.match(stripped):
        if match and is_room and ends[_COLONS_END] > number:
            open_blocks.append(_Container(indent, _COLONS_END, is_quoted=True))
            yield f"{lead}{padding}> {_label(match[1], match[2].lstrip('}'))}"
    elif is_room and (match := _HINT.match(stripped)):
        yield from _notice(
            match[1], match[2], match[1], _HINT_END, lead, padding, open_blocks, indent
        )
    elif is_room and ends[_NOTICE_END] >= number and (match := _NOTICE.match(stripped)):
        arguments = f"{match[1]} {match[2]}"
        yield from _notice(arguments, match[3], "", _NOTICE_END, lead, padding, open_blocks, indent)
    elif match := _TAB.match(content):
        label = _TAB_LABEL.search(match[1].rpartition("label=")[2] or match[1])
        yield from (f"{lead}{label[1]}:" if label else "", lead)
    elif _SNIPPET.match(stripped) or _IMPORT.match(stripped) or _CONTENTS.match(stripped):
        yield lead
    else:
        yield lead + _cleaned(content)


def _notice(
    arguments: str,
    rest: str,
    _title: str,
    end: re.Pattern[str],
    lead: str,
    padding: str,
    open_blocks: list[_Container],
    indent: int,
) -> Iterator[str]:
    kinds = re.findall(r"[a-zA-Z]+", arguments.lower())
    kind = next((word for word in kinds if word in _SEVERE_KINDS), "note")
    inner, *after = end.split(rest, maxsplit=1)
    yield f"{lead}{padding}> [!{kind.upper()}] {_cleaned(inner).strip()}"
    if after:
        yield from ("", *([lead + _cleaned(after[0])] if after[0].strip() else ()))
    else:
        open_blocks.append(_Container(indent, end, is_quoted=True))


_SEVERE_KINDS = frozenset(("warning", "caution", "danger", "important", "attention", "critical"))


def _label(kind: str, title: str) -> str:
    return f"[!{kind.upper()}] {title.strip().strip('[]').strip(chr(34)).strip()}".rstrip()


def _last_ends(lines: Iterable[str]) -> dict[re.Pattern[str], int]:
    """Return the number of the last line that can end each kind of block."""
    kinds = (_COLONS_END, _NOTICE_END, _HIGHLIGHT_END, _PRE_END)
    last = dict.fromkeys(kinds, -1)
    for number, line in enumerate(lines):
        for kind in kinds:
            if kind.search(line.strip()):
                last[kind] = number
    return last


def _closes(fence: str, content: str) -> bool:
    if fence == "highlight":
        return _HIGHLIGHT_END.match(content.strip()) is not None
    if fence == "pre":
        return _PRE_END.search(content) is not None
    closing = content.strip()
    return len(closing) >= len(fence) and not closing.strip(fence[0])


def _is_left(block: _Container, line: str) -> bool:
    return block.end is None and len(line) - len(line.lstrip()) < block.indent + _INDENT


def _dedented(line: str, open_blocks: list[_Container]) -> str:
    width = _INDENT * sum(block.end is None for block in open_blocks)
    if open_blocks:
        width += open_blocks[0].indent
    return line[min(width, len(line) - len(line.lstrip())) :]


def _lead(open_blocks: list[_Container]) -> str:
    if not open_blocks:
        return ""
    return " " * open_blocks[0].indent + "> " * sum(block.is_quoted for block in open_blocks)


def _end_of(open_blocks: list[_Container], content: str) -> tuple[str, int] | None:
    """Return the text before the end of the innermost block that ends here, and its place."""
    for place in range(len(open_blocks) - 1, -1, -1):
        end = open_blocks[place].end
        if end is None:
            continue
        found = end.search(content.strip())
        return (content.strip()[: found.start()], place) if found else None
    return None


def _cleaned(line: str) -> str:
    """Remove shortcodes, attributes and HTML tags from a line, except within code spans."""
    heading = _HTML_HEADING.match(line)
    if heading:
        own_id = _HTML_ID.search(line[: heading.start(2)])
        mark = f" {ANCHOR_START}{own_id[1]}{ANCHOR_END}" if own_id else ""
        line = f"{'#' * int(heading[1])} {heading[2]}{mark}"
    pieces: list[str] = []
    place = 0
    for span in _CODE_SPAN.finditer(line):
        pieces += (_cleaned_text(line[place : span.start()]), span[0])
        place = span.end()
    return "".join([*pieces, _cleaned_text(line[place:])])


def _cleaned_text(text: str) -> str:
    if "{" in text:
        text = _LIQUID.sub("", _SHORTCODE.sub("", text))
        text = _ATTRIBUTES.sub(_attribute_anchor, text)
    if "<" in text:
        text = _NAMED_ANCHOR.sub(rf"{ANCHOR_START}\1{ANCHOR_END}", text)
        text = _HTML_LINK.sub(r"[\2](\1)", text)
        text = _HTML_TAG.sub(_tag_as_text, text)
    return text


def _attribute_anchor(match: re.Match[str]) -> str:
    named = _IDENTIFIER.search(match[0])
    return f"{ANCHOR_START}{named[1]}{ANCHOR_END}" if named else ""


def _tag_as_text(match: re.Match[str]) -> str:
    return " " if match[0].lower().startswith(("<br", "<li", "<p", "</summary", "<hr")) else ""
