"""Removes attributes, shortcodes and HTML tags from a line of Markdown, except within code."""

import re

from features.imports.runbooks.anchors import ANCHOR_END, ANCHOR_START

SHORTCODE = re.compile(r"\{\{[<%][^\n]{0,300}?[%>]\}\}")
_LIQUID = re.compile(r"\{%-?[^%\n]{0,300}-?%\}")
_CODE_SPAN = re.compile(r"(?<!`)(`{1,3})(?!`)[^`\n]{1,1000}(?<!`)\1(?!`)")
_ATTRIBUTE = r"(?:[.#][\w:-]+|[\w:-]+=(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s}\"']+))"
_ATTRIBUTE_LIST = rf"\{{[ ]?{_ATTRIBUTE}(?:[ ]{_ATTRIBUTE}){{0,20}}[ ]?\}}"
# Attributes follow what they belong to, or end a line; elsewhere `{.status}` is text.
_ATTRIBUTES = re.compile(
    rf"\{{:[^}}\n]{{0,300}}\}}|(?:^|(?<=[)\]*_])){_ATTRIBUTE_LIST}|(?<=\s){_ATTRIBUTE_LIST}(?=\s*$)"
)
_IDENTIFIER = re.compile(r"#([\w:.-]{1,200})")
_NAMED_ANCHOR = re.compile(
    r"<(?:a|span|div)\s+(?:name|id)\s*=\s*[\"']?([^\"'>\s]{1,200})[\"']?\s*/?>"
    r"(?:\s*</(?:a|span|div)>)?",
    re.IGNORECASE,
)
_HTML_LINK = re.compile(
    r"<a\s[^<>\n]{0,200}?href\s*=\s*[\"']([^\"'>\s]{1,500})[\"'][^<>\n]{0,200}>([^<\n]{1,300})</a>",
    re.IGNORECASE,
)
_HTML_HEADING = re.compile(
    r"^\s*<h([1-6])(\s+[^>\n]{0,200})?>([^\n]{1,300}?)</h\1>\s*$", re.IGNORECASE
)
_HTML_ID = re.compile(r"\bid\s*=\s*[\"']?([^\"'>\s]{1,200})", re.IGNORECASE)
_SUMMARY = re.compile(
    r"(?:<details[^<>\n]{0,200}>\s*)?<summary[^<>\n]{0,200}>\s*(?:<\w+>)?([^<\n]{1,200}?)(?:</\w+>)?\s*"
    r"</summary>\s*",
    re.IGNORECASE,
)
_HTML_TAG = re.compile(
    r"</?(?:a|abbr|b|big|blockquote|br|center|code|details|div|em|figure|figcaption|font|hr|i|img"
    r"|kbd|li|mark|nobr|ol|p|picture|section|small|source|span|strong|sub|summary|sup|u|ul|Tabs"
    r"|TabItem|Tab|Callout|Admonition|Steps|Step|CodeBlock)(?:\s[^<>\n]{0,300})?\s?/?>"
)
_SPACED_TAGS = ("<br", "<li", "<p", "</summary", "<hr")


def clean_line(line: str) -> str:
    """Return a line without markup that CommonMark does not know.

    An HTML heading becomes a heading; the name of an anchor becomes a mark for `take_anchors`.

    >>> clean_line('Run `kubectl -o {.items}`.{: .note }<br>')
    'Run `kubectl -o {.items}`. '
    """
    if summary := _SUMMARY.fullmatch(line.strip()):
        # What folds away stands below its summary as below a heading.
        return f"**{summary[1].strip('*_ ')}**\n"
    heading = _HTML_HEADING.match(line)
    if heading:
        own_id = _HTML_ID.search(heading[2] or "")
        line = f"{'#' * int(heading[1])} {heading[3]}{_mark(own_id)}"
    if "`" not in line:
        return _clean_text(line)
    pieces: list[str] = []
    place = 0
    for span in _CODE_SPAN.finditer(line):
        pieces += (_clean_text(line[place : span.start()]), span[0])
        place = span.end()
    return "".join([*pieces, _clean_text(line[place:])])


def _clean_text(text: str) -> str:
    if "{" in text:
        text = _LIQUID.sub("", SHORTCODE.sub("", text))
        text = _ATTRIBUTES.sub(lambda match: _mark(_IDENTIFIER.search(match[0])), text)
    if "<" in text:
        text = _NAMED_ANCHOR.sub(_mark, text)
        text = _HTML_LINK.sub(r"[\2](\1)", text)
        text = _HTML_TAG.sub(_tag_as_text, text)
    return text


def _mark(named: re.Match[str] | None) -> str:
    return f"{ANCHOR_START}{named[1]}{ANCHOR_END}" if named else ""


def _tag_as_text(match: re.Match[str]) -> str:
    return " " if match[0].lower().startswith(_SPACED_TAGS) else ""
