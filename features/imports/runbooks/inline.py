"""The plain text of a paragraph, heading or cell, parsed in bounded time."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

# The parser's time grows with the square of the marks in a text; a text with more stays as written.
_LONGEST_PARSED = 8_000
_MOST_MARKS = 120
_MARKS = ("[", "`", "*", "_", "<")
_BREAKS = {"softbreak": " ", "hardbreak": "\n"}
_PROMPT = re.compile(r"^(?:\$|%|\u276f|➜)\s+(?=\S)")


@dataclass(frozen=True, slots=True)
class InlineText:
    """The plain text of an inline token; a web link is followed by its address.

    `linkless` is the text outside links and images, `kinds` the types of the parts other than
    spaces, `targets` the addresses of the links, and `label` the bold or slanted text at the start.
    """

    text: str
    linkless: str = ""
    kinds: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    label: str = ""


@cache
def block_parser() -> MarkdownIt:
    """Return the parser that leaves the text of inline tokens unparsed."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    return parser.disable(["inline", "text_join"])


def inline_text(token: Token, references: dict[str, Any]) -> InlineText:
    """Return the plain text of an inline token; `references` is the environment of its page."""
    if len(token.content) > _LONGEST_PARSED or max(map(token.content.count, _MARKS)) > _MOST_MARKS:
        return InlineText(token.content.strip(), token.content.strip(), ("text",))
    parser = block_parser()
    children: list[Token] = []
    parser.inline.parse(token.content, parser, references, children)
    text, linkless = "", ""
    targets: list[str] = []
    link_depth = 0
    for child in children:
        if child.type == "link_open":
            targets.append(str(child.attrs.get("href", "")))
            link_depth += 1
        elif child.type == "link_close":
            address = targets[-1]
            is_new = address.startswith(("https://", "http://")) and address not in text
            text += f" ({address})" if is_new else ""
            link_depth -= 1
        else:
            piece = _BREAKS.get(child.type, child.content)
            if child.type == "code_inline":
                piece = _PROMPT.sub("", piece)
            text += piece
            linkless += "" if link_depth or child.type == "image" else piece
            if child.type == "image":
                targets.append("")
    kinds = _merged_kinds(children)
    label = _leading_label(children)
    return InlineText(text.strip(), linkless.strip(), kinds, tuple(targets), label)


def _merged_kinds(children: list[Token]) -> tuple[str, ...]:
    kinds: list[str] = []
    for child in children:
        if child.type == "text" and not child.content.strip():
            continue
        if child.type in ("text", "text_special") and kinds and kinds[-1] == "text":
            continue
        kinds.append("text" if child.type == "text_special" else child.type)
    return tuple(kinds)


def _leading_label(children: list[Token]) -> str:
    types = [child.type for child in children if child.type != "text" or child.content.strip()]
    if types[:2] not in (["strong_open", "text"], ["em_open", "text"]):
        return ""
    return next(child.content for child in children if child.content.strip())
