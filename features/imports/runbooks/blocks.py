"""Splits parsed Markdown into blocks: headings, paragraphs, items, warnings, rows and code."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise
from typing import Any

from markdown_it.token import Token

from features.domain.runbook import SectionRole
from features.imports.runbooks.anchors import take_anchors
from features.imports.runbooks.cross_references import is_cross_reference
from features.imports.runbooks.inline import InlineText, block_parser, inline_text
from features.imports.runbooks.section_roles import heading_role
from features.imports.runbooks.tables import table_rows

# The level of a lead: one below the six levels of headings.
LEAD = 7
_LONGEST_LEAD = 80
_WARNING_WORDS = (
    r"warning|caution|danger|important|critical|attention|be careful|beware|achtung|warnung"
    r"|vorsicht|wichtig|gefahr|avertissement|advertencia|atención|precaución|importante|cuidado"
    r"|atenção|aviso|attenzione|waarschuwing"
)
_WARNING = re.compile(
    rf"^[\W_]{{0,8}}(?:\[!)?({_WARNING_WORDS})\b\]?(?:[-+](?=\s))?\s*(?:[:.!\u2013\u2014-]+|\n|\Z|(?<=\])\s*)",
    re.IGNORECASE,
)
_LABEL = re.compile(rf"^[\W_]{{0,8}}({_WARNING_WORDS})[\W_]{{0,8}}$", re.IGNORECASE)
_QUOTE_KIND = re.compile(r"^\[!(\w+)\][-+]?\s*")
_SIGN = re.compile("^(?:⚠️?|🚨|❗️?|‼️?|⛔️?|🛑)\\s*")
_PROHIBITION = re.compile(
    r"^(?:do not|don['\u2019]t|never|nicht|niemals|auf keinen fall"
    r"|ne pas|ne jamais|nunca)\b",
    re.IGNORECASE,
)


class BlockKind(StrEnum):
    """What a block of a page is."""

    PARAGRAPH = "paragraph"
    ITEM = "item"
    ACTION_ROW = "row that says what to do"
    ROW = "other row"
    CODE = "code"
    WARNING = "warning"
    REFERENCE = "contents, link or cross reference"


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a page below a heading.

    `step` is the text as a step, where it differs from `text`. `key` is the cell that names a row.
    """

    text: str
    kind: BlockKind = BlockKind.PARAGRAPH
    language: str = ""
    key: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 to 6, or a lead: a short bold line that serves as heading."""

    text: str
    level: int
    anchors: tuple[str, ...] = ()


def read_blocks(page: str) -> Iterator[Block | Heading]:
    """Yield the blocks and headings of a page of CommonMark in order."""
    references: dict[str, Any] = {}
    tokens = block_parser().parse(page, references)
    reader = _Reader(references)
    place = 0
    while place < len(tokens):
        token = tokens[place]
        if token.type == "table_open":
            end = next(n for n in range(place, len(tokens)) if tokens[n].type == "table_close")
            yield from _row_blocks(tokens[place:end], references)
            place = end
        elif token.type == "inline":
            yield from reader.text_blocks(token, tokens[place - 1])
        else:
            yield from reader.structure_blocks(token)
        place += 1
    if reader.pending_anchors:
        yield Heading("", 0, reader.pending_anchors)


@dataclass(slots=True)
class _Reader:
    """The lists and quotes that are open at a place of the page, and the anchors above it."""

    references: dict[str, Any]
    item_depth: int = 0
    starts_item: bool = False
    quote_depth: int = 0
    quote: list[InlineText] = field(default_factory=list)
    pending_anchors: tuple[str, ...] = ()

    def structure_blocks(self, token: Token) -> Iterator[Block]:
        """Note where lists and quotes begin and end; yield a quote that ends, and code."""
        self.item_depth += (token.type == "list_item_open") - (token.type == "list_item_close")
        self.starts_item = self.starts_item or token.type == "list_item_open"
        self.quote_depth += (token.type == "blockquote_open") - (token.type == "blockquote_close")
        is_code = token.type in ("fence", "code_block")
        if self.quote and (is_code or not self.quote_depth):
            yield from _quote_blocks(self.quote, is_item=self.item_depth > 0)
            self.quote = []
        if is_code:
            yield Block(token.content.rstrip(), BlockKind.CODE, _language(token))

    def text_blocks(self, token: Token, opening: Token) -> Iterator[Block | Heading]:
        """Yield a heading or a text; the texts of a quote are kept until it ends."""
        inline, anchors = _without_anchors(inline_text(token, self.references))
        is_nested = self.item_depth > 0 or self.quote_depth > 0
        self.pending_anchors += anchors
        if not inline.text:
            return
        if opening.type == "heading_open" and not is_nested:
            yield Heading(inline.text, int(opening.tag[1]), self._take_anchors())
        elif self.quote_depth:
            self.quote.append(inline)
        elif not is_nested and _is_lead(inline) and not _WARNING.match(inline.text):
            yield Heading(inline.text.rstrip(": "), LEAD)
        else:
            if self.pending_anchors:
                yield Heading("", 0, self._take_anchors())
            yield _text_block(inline, is_item=self.item_depth > 0 and self._is_told(inline))
            self.starts_item = False

    def _is_told(self, inline: InlineText) -> bool:
        """Return whether a text in an item is a step: not one that only introduces what follows."""
        return self.starts_item or not inline.text.endswith(":")

    def _take_anchors(self) -> tuple[str, ...]:
        anchors, self.pending_anchors = self.pending_anchors, ()
        return anchors


def _without_anchors(inline: InlineText) -> tuple[InlineText, tuple[str, ...]]:
    text, anchors = take_anchors(inline.text)
    linkless, _ = take_anchors(inline.linkless)
    return replace(inline, text=text, linkless=linkless), anchors


def _text_block(inline: InlineText, *, is_item: bool) -> Block:
    warning = _as_warning(inline)
    if warning:
        return Block(inline.text, BlockKind.WARNING, step=warning)
    if is_cross_reference(inline):
        return Block(inline.text, BlockKind.REFERENCE)
    is_step = is_item and not _is_explanation(inline)
    return Block(inline.text, BlockKind.ITEM if is_step else BlockKind.PARAGRAPH)


def _is_explanation(inline: InlineText) -> bool:
    """Return whether an item begins with a label such as `Symptoms:`, and is no instruction."""
    is_label = inline.label.endswith(":") or inline.text.startswith(f"{inline.label}:")
    return is_label and heading_role(inline.label) in (SectionRole.MEANING, SectionRole.IMPACT)


def _as_warning(inline: InlineText, more: Sequence[str] = ()) -> str:
    """Return a warning as a step that begins with its kind, empty if a text is no warning."""
    bare = _SIGN.sub("", inline.text)
    named = _WARNING.match(bare)
    labelled = _LABEL.match(inline.label or _capitals_at_start(bare))
    if named:
        return _warning(named[1], bare[named.end() :], more)
    if labelled:
        start = bare.find(labelled[1]) + len(labelled[1])
        return _warning(labelled[1], bare[start:].lstrip(" :.!*_-"), more)
    if bare != inline.text:
        return _warning("Warning", bare, more)
    return "\n".join((bare, *more)) if _PROHIBITION.match(bare) else ""


def _capitals_at_start(text: str) -> str:
    first, _, _ = text.partition(" ")
    return first if first.isupper() else ""


def _warning(kind: str, text: str, more: Sequence[str]) -> str:
    told = "\n".join(filter(None, (text.strip(), *more)))
    return f"{kind.capitalize()}: {told}" if told else ""


def _quote_blocks(quote: Sequence[InlineText], *, is_item: bool) -> Iterator[Block]:
    """Yield a quoted warning as one block; another quote is like the text around it."""
    warning = _as_warning(quote[0], [part.text for part in quote[1:]])
    if warning:
        yield Block(warning, BlockKind.WARNING)
        return
    for part in quote:
        text = _QUOTE_KIND.sub("", part.text)
        if text:
            yield _text_block(replace(part, text=text), is_item=is_item)


def _row_blocks(tokens: Sequence[Token], references: dict[str, Any]) -> Iterator[Block]:
    rows: list[list[InlineText]] = []
    for opening, token in pairwise(tokens):
        if opening.type == "tr_open":
            rows.append([])
        if opening.type in ("th_open", "td_open") and token.type == "inline":
            rows[-1].append(_without_anchors(inline_text(token, references))[0])
    for row in table_rows(rows):
        kind = BlockKind.ACTION_ROW if row.is_action else BlockKind.ROW
        kind = kind if row.step else BlockKind.REFERENCE
        yield Block(row.text, kind, key=row.key, step=row.step)


def _language(token: Token) -> str:
    words = token.info.strip("{} ").split()
    return words[0].lower().strip("{}.") if words else ""


def _is_lead(inline: InlineText) -> bool:
    """Return whether a paragraph such as `How to **investigate**:` is used as a heading."""
    text = inline.text
    if "strong_open" not in inline.kinds or "\n" in text or not 0 < len(text) <= _LONGEST_LEAD:
        return False
    is_all_bold = inline.kinds == ("strong_open", "text", "strong_close")
    return is_all_bold or (text.endswith(":") and heading_role(text) is not SectionRole.OTHER)
