"""Parses the Markdown of one runbook: front matter, headings and fenced commands."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.front_matter import front_matter_plugin

from features.domain.runbook import Runbook, Section, SectionRole
from features.imports.runbooks.section_roles import heading_role
from features.imports.runbooks.steps import Block, commands_of, steps_of

_SHORTCODE_LINK = re.compile(
    r"\{\{[<%]\s{0,5}(?:rel)?ref\s{1,5}\"([^\"\n]{1,300})\"\s{0,5}[%>]\}\}"
)
_SHORTCODE = re.compile(r"\{\{[<%][^\n]{0,300}?[%>]\}\}")
_LINK_FACTS = ("url", "runbook_url")
_LONGEST_LEAD = 80
# The level of a lead: one below the six levels of headings.
_LEAD = 7
_BREAKS = {"softbreak": " ", "hardbreak": "\n"}


class BadRunbook(ValueError):
    """A text is not a readable runbook; the message says why."""


def parse_runbook(text: str, id: str) -> Runbook:  # noqa: A002  # the name of the field
    """Parse the Markdown of one runbook; HTML tags are kept as plain text.

    Raises `BadRunbook` if the front matter is not a YAML mapping, or if the text has no content.

    >>> runbook = parse_runbook("# Disk full\\n## Mitigation\\n1. Empty the trash.", "disk/full")
    >>> runbook.title, runbook.steps, runbook.sections[0].part.value
    ('Disk full', ('Empty the trash.',), 'mitigation')
    """
    tokens = _parser().parse(_drop_page_markup(text.lstrip()))
    facts, tokens = _take_front_matter(tokens)
    chapters = list(_chapters(tokens))
    if not any(chapter.heading or chapter.blocks for chapter in chapters):
        raise BadRunbook("has no content")
    title = facts.get("title") or _first_heading(chapters) or id.rpartition("/")[2]
    return Runbook(
        id=id,
        title=title,
        sections=tuple(
            _section(chapter)
            for chapter in chapters
            if chapter.blocks or chapter.heading not in ("", title)
        ),
        steps=steps_of([(chapter.role, chapter.blocks) for chapter in chapters]),
        url=_link(facts),
        facts=facts,
    )


@dataclass(slots=True)
class _Chapter:
    heading: str = ""
    level: int = 0
    role: SectionRole = SectionRole.OTHER
    blocks: list[Block] = field(default_factory=list)


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table").use(front_matter_plugin)


def _drop_page_markup(text: str) -> str:
    """Remove comments and site generators' shortcodes; of a shortcode link keep the target."""
    start, *parts = text.split("<!--")
    visible = [part.partition("-->")[2] if "-->" in part else f"<!--{part}" for part in parts]
    return _SHORTCODE.sub("", _SHORTCODE_LINK.sub(r"\1", start + "".join(visible)))


def _take_front_matter(tokens: list[Token]) -> tuple[dict[str, str], list[Token]]:
    if not tokens or tokens[0].type != "front_matter":
        return {}, tokens
    try:
        content = yaml.safe_load(tokens[0].content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadRunbook("has front matter that is not valid YAML") from error
    if content is None:
        return {}, tokens[1:]
    if not isinstance(content, dict):
        raise BadRunbook("has front matter that is not a mapping of names to values")
    # Lists and mappings are never shown, and YAML aliases could make their text huge.
    scalars = {name: value for name, value in content.items() if not isinstance(value, list | dict)}
    facts = {str(name): str(value) for name, value in scalars.items() if value is not None}
    return facts, tokens[1:]


def _chapters(tokens: Sequence[Token]) -> Iterator[_Chapter]:
    """Split the page at headings and at leads: short lines in bold that are used as headings.

    A chapter whose heading does not name a role has the role of the chapter that contains it.
    """
    chapter, parents = _Chapter(), {0: SectionRole.OTHER}
    for block, level in _blocks(tokens):
        if not level:
            chapter.blocks.append(block)
            continue
        yield chapter
        parents = {depth: role for depth, role in parents.items() if depth < level}
        role = heading_role(block.text)
        role = parents[max(parents)] if role is SectionRole.OTHER else role
        parents[level] = role
        chapter = _Chapter(block.text, level, role)
    yield chapter


def _blocks(tokens: Sequence[Token]) -> Iterator[tuple[Block, int]]:
    """Yield each block of text with its heading level, 0 if it is not a heading."""
    item_depth = 0
    starts_item = False
    opening = ""
    for token in tokens:
        if token.type == "list_item_open":
            item_depth, starts_item = item_depth + 1, True
        elif token.type == "list_item_close":
            item_depth -= 1
        elif token.type in ("heading_open", "paragraph_open", "th_open", "td_open"):
            opening = token.type
            level = int(token.tag[1]) if opening == "heading_open" else 0
        elif token.type == "inline":
            text = _plain_text(token)
            if opening == "heading_open" and not item_depth:
                yield Block(text), level
            elif opening == "paragraph_open" and not item_depth and _is_lead(token, text):
                yield Block(text.rstrip(": ")), _LEAD
            elif text:
                yield Block(text, is_item=starts_item), 0
                starts_item = False
        elif token.type in ("fence", "code_block"):
            yield Block(token.content.rstrip(), language=_language(token), is_code=True), 0


def _language(token: Token) -> str:
    words = token.info.split()
    return words[0].lower().strip("{}.") if words else ""


def _plain_text(token: Token) -> str:
    """Return the text of a block; a web link is followed by its address."""
    text, address = "", ""
    for child in token.children or ():
        if child.type == "link_open":
            address = str(child.attrs.get("href", ""))
        elif child.type == "link_close":
            is_new = address.startswith(("https://", "http://")) and address not in text
            text += f" ({address})" if is_new else ""
        else:
            text += _BREAKS.get(child.type, child.content)
    return text.strip()


def _is_lead(token: Token, text: str) -> bool:
    """Return whether a paragraph such as `How to **investigate**:` is used as a heading."""
    types = [
        child.type
        for child in token.children or ()
        if child.type != "text" or child.content.strip()
    ]
    if "strong_open" not in types or "\n" in text or not 0 < len(text) <= _LONGEST_LEAD:
        return False
    is_all_bold = types == ["strong_open", "text", "strong_close"]
    return is_all_bold or (text.endswith(":") and heading_role(text) is not SectionRole.OTHER)


def _first_heading(chapters: Sequence[_Chapter]) -> str:
    """Return the heading that serves as the page's title, empty if there is none.

    It is the first heading of level 1, else the first heading of a chapter without a role.
    """
    top_chapters = [chapter for chapter in chapters if chapter.level == 1]
    other_chapters = [
        chapter
        for chapter in chapters
        if 0 < chapter.level < _LEAD and chapter.role is SectionRole.OTHER
    ]
    headings = (chapter.heading for chapter in (*top_chapters, *other_chapters))
    return next((heading for heading in headings if heading), "")


def _section(chapter: _Chapter) -> Section:
    texts = [block.text for block in chapter.blocks if not block.is_code]
    commands = [command for block in chapter.blocks for command in commands_of(block)]
    return Section(chapter.heading, "\n".join(texts), chapter.role, tuple(commands))


def _link(facts: Mapping[str, str]) -> str | None:
    links = (facts.get(name, "").strip() for name in _LINK_FACTS)
    return next((link for link in links if link.startswith(("https://", "http://"))), None)
