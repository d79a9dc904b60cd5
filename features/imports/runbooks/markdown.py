"""The text of one runbook: front matter, headings and fenced commands become a `Runbook`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.front_matter import front_matter_plugin

from features.domain.runbook import Runbook, Section, SectionRole
from features.imports.runbooks.section_roles import part_of
from features.imports.runbooks.steps import Block, commands_of, steps_of

_SHORTCODE_LINK = re.compile(
    r"\{\{[<%]\s{0,5}(?:rel)?ref\s{1,5}\"([^\"\n]{1,300})\"\s{0,5}[%>]\}\}"
)
_SHORTCODE = re.compile(r"\{\{[<%][^\n]{0,300}?[%>]\}\}")
_LINK_FACTS = ("url", "runbook_url")
_LONGEST_LEAD = 80
# The level of a lead, below that of every heading.
_LEAD = 7
_BREAKS = {"softbreak": " ", "hardbreak": "\n"}


class BadRunbook(ValueError):
    """The text cannot be read as a runbook; the message says why."""


def parse_runbook(text: str, id: str) -> Runbook:  # noqa: A002  # the name of the field
    """Parse the Markdown of one runbook; markup of HTML stays the text that it is.

    Raises `BadRunbook` on front matter that is no YAML mapping, and on a text that says nothing.

    >>> runbook = parse_runbook("# Disk full\\n## Mitigation\\n1. Empty the trash.", "disk/full")
    >>> runbook.title, runbook.steps, runbook.sections[0].part.value
    ('Disk full', ('Empty the trash.',), 'mitigation')
    """
    tokens = _parser().parse(_without_page_markup(text.lstrip()))
    facts, tokens = _take_front_matter(tokens)
    chapters = list(_chapters(tokens))
    if not any(chapter.heading or chapter.blocks for chapter in chapters):
        raise BadRunbook("says nothing")
    title = facts.get("title") or _first_heading(chapters) or id.rpartition("/")[2]
    return Runbook(
        id=id,
        title=title,
        sections=tuple(
            _section(one) for one in chapters if one.blocks or one.heading not in ("", title)
        ),
        steps=steps_of([(chapter.part, chapter.blocks) for chapter in chapters]),
        url=_link(facts),
        facts=facts,
    )


@dataclass(slots=True)
class _Chapter:
    heading: str = ""
    level: int = 0
    part: SectionRole = SectionRole.OTHER
    blocks: list[Block] = field(default_factory=list)


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table").use(front_matter_plugin)


def _without_page_markup(text: str) -> str:
    """Drop comments and the shortcodes of site generators, which readers never see."""
    before, *rest = text.split("<!--")
    shown = [part.partition("-->")[2] if "-->" in part else f"<!--{part}" for part in rest]
    return _SHORTCODE.sub("", _SHORTCODE_LINK.sub(r"\1", before + "".join(shown)))


def _take_front_matter(tokens: list[Token]) -> tuple[dict[str, str], list[Token]]:
    if not tokens or tokens[0].type != "front_matter":
        return {}, tokens
    try:
        found = yaml.safe_load(tokens[0].content)
    except (yaml.YAMLError, ValueError, RecursionError) as failure:
        raise BadRunbook("has front matter that is not valid YAML") from failure
    if found is None:
        return {}, tokens[1:]
    if not isinstance(found, dict):
        raise BadRunbook("has front matter that is not a mapping of names to values")
    # A list or a mapping says nothing that is shown; its expansion may be huge.
    scalars = {name: value for name, value in found.items() if not isinstance(value, list | dict)}
    facts = {str(name): str(value) for name, value in scalars.items() if value is not None}
    return facts, tokens[1:]


def _chapters(tokens: Sequence[Token]) -> Iterator[_Chapter]:
    """Cut at every heading, and at short leads in bold that serve as one."""
    chapter, parents = _Chapter(), {0: SectionRole.OTHER}
    for block, level in _blocks(tokens):
        if not level:
            chapter.blocks.append(block)
            continue
        yield chapter
        above = next(parents[at] for at in sorted(parents, reverse=True) if at < level)
        part = part_of(block.text)
        part = above if part is SectionRole.OTHER else part
        parents = {at: known for at, known in parents.items() if at < level} | {level: part}
        chapter = _Chapter(block.text, level, part)
    yield chapter


def _blocks(tokens: Sequence[Token]) -> Iterator[tuple[Block, int]]:
    """Yield each block of text, with its level when it is a heading, else 0."""
    items = 0
    fresh_item = False
    opened = ""
    for token in tokens:
        if token.type == "list_item_open":
            items, fresh_item = items + 1, True
        elif token.type == "list_item_close":
            items -= 1
        elif token.type in ("heading_open", "paragraph_open", "th_open", "td_open"):
            opened = token.type
            level = int(token.tag[1]) if opened == "heading_open" else 0
        elif token.type == "inline":
            text = _plain(token)
            if opened == "heading_open" and not items:
                yield Block(text), level
            elif opened == "paragraph_open" and not items and _is_lead(token, text):
                yield Block(text.rstrip(": ")), _LEAD
            elif text:
                yield Block(text, is_item=fresh_item), 0
                fresh_item = False
        elif token.type in ("fence", "code_block"):
            yield Block(token.content.rstrip(), language=_language(token), is_code=True), 0


def _language(token: Token) -> str:
    words = token.info.split()
    return words[0].lower().strip("{}.") if words else ""


def _plain(token: Token) -> str:
    """Return the text of a block; a link to another site keeps its address."""
    shown, address = "", ""
    for child in token.children or ():
        if child.type == "link_open":
            address = str(child.attrs.get("href", ""))
        elif child.type == "link_close":
            is_news = address.startswith(("https://", "http://")) and address not in shown
            shown += f" ({address})" if is_news else ""
        else:
            shown += _BREAKS.get(child.type, child.content)
    return shown.strip()


def _is_lead(token: Token, text: str) -> bool:
    """Whether a paragraph such as `How to **investigate**:` stands where a heading would."""
    children = [one for one in token.children or () if one.type != "text" or one.content.strip()]
    marks = [child.type for child in children]
    if "strong_open" not in marks or "\n" in text or not 0 < len(text) <= _LONGEST_LEAD:
        return False
    wholly_bold = marks == ["strong_open", "text", "strong_close"]
    return wholly_bold or (text.endswith(":") and part_of(text) is not SectionRole.OTHER)


def _first_heading(chapters: Sequence[_Chapter]) -> str:
    """Return the page's own heading; `Meaning` and the like name a section, not the page."""
    pages = [one for one in chapters if one.level == 1]
    named = [one for one in chapters if 0 < one.level < _LEAD and one.part is SectionRole.OTHER]
    return next((one.heading for one in (*pages, *named) if one.heading), "")


def _section(chapter: _Chapter) -> Section:
    shown = [block.text for block in chapter.blocks if not block.is_code]
    commands = [line for block in chapter.blocks for line in commands_of(block)]
    return Section(chapter.heading, "\n".join(shown), chapter.part, tuple(commands))


def _link(facts: Mapping[str, str]) -> str | None:
    links = (facts.get(name, "").strip() for name in _LINK_FACTS)
    return next((link for link in links if link.startswith(("https://", "http://"))), None)
