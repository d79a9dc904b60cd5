"""Parses the Markdown of one runbook: front matter, headings, lists, tables and fenced commands."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from features.domain.runbook import Runbook, Section, SectionRole, TableRow
from features.imports.runbooks.anchors import HeadingAnchors
from features.imports.runbooks.blocks import LEAD, Block, BlockKind, Heading, read_blocks
from features.imports.runbooks.commands import commands_of
from features.imports.runbooks.cross_references import leads_elsewhere
from features.imports.runbooks.dialects import to_commonmark
from features.imports.runbooks.front_matter import BadRunbook, split_front_matter
from features.imports.runbooks.section_roles import heading_role
from features.imports.runbooks.steps import steps_of
from features.text.tokens import plain_name

_LINK_FACTS = ("url", "runbook_url")


def parse_runbook(text: str, id: str) -> Runbook:  # noqa: A002  # the name of the field
    """Parse the Markdown of one runbook; unknown HTML tags are kept as plain text.

    Raises `BadRunbook` if the front matter is not a mapping, or if the text has no content.

    >>> runbook = parse_runbook("# Disk full\\n## Mitigation\\n1. Empty the trash.", "disk/full")
    >>> runbook.title, runbook.steps, runbook.sections[0].part.value
    ('Disk full', ('Empty the trash.',), 'mitigation')
    """
    facts, page = split_front_matter(_normal_lines(text))
    chapters = list(_chapters(read_blocks(to_commonmark(page))))
    _mark_contents(chapters)
    if not any(chapter.heading or chapter.blocks for chapter in chapters):
        raise BadRunbook("has no content")
    title = facts.get("title") or _first_heading(chapters) or id.rpartition("/")[2]
    return Runbook(
        id=id,
        title=title,
        sections=tuple(
            _section(chapters, place)
            for place, chapter in enumerate(chapters)
            if chapter.blocks or chapter.heading not in ("", title)
        ),
        steps=_steps(chapters),
        url=_link(facts),
        facts=facts,
    )


@dataclass(slots=True)
class _Chapter:
    heading: str = ""
    level: int = 0
    role: SectionRole = SectionRole.OTHER
    leads_elsewhere: bool = False
    anchors: tuple[str, ...] = ()
    blocks: list[Block] = field(default_factory=list)


def _normal_lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").lstrip()


def _chapters(parts: Iterator[Block | Heading]) -> Iterator[_Chapter]:
    """Split the page at headings and at leads: short lines in bold that are used as headings.

    A chapter whose heading does not name a role has the role of the chapter that contains it.
    """
    chapter = _Chapter()
    parents: dict[int, _Chapter] = {0: chapter}
    derived = HeadingAnchors()
    for part in parts:
        if isinstance(part, Block):
            chapter.blocks.append(part)
            continue
        if not part.level:
            chapter.anchors += part.anchors
            continue
        yield chapter
        parents = {depth: parent for depth, parent in parents.items() if depth < part.level}
        parent = parents[max(parents)]
        role = heading_role(part.text)
        chapter = _Chapter(
            part.text,
            part.level,
            parent.role if role is SectionRole.OTHER else role,
            leads_elsewhere(part.text) or parent.leads_elsewhere,
            part.anchors if part.level == LEAD else (*part.anchors, *derived.of(part.text)),
        )
        parents[part.level] = chapter
    yield chapter


def _mark_contents(chapters: Sequence[_Chapter]) -> None:
    """Mark the items that only repeat a heading of the page: they are its table of contents."""
    headings = {plain_name(chapter.heading) for chapter in chapters if chapter.level < LEAD}
    for chapter in chapters:
        chapter.blocks = [
            replace(block, kind=BlockKind.REFERENCE)
            if block.kind is BlockKind.ITEM and plain_name(block.text) in headings
            else block
            for block in chapter.blocks
        ]


def _steps(chapters: Sequence[_Chapter]) -> tuple[str, ...]:
    return steps_of(
        [(chapter.role, chapter.blocks) for chapter in chapters if not chapter.leads_elsewhere]
    )


def _first_heading(chapters: Sequence[_Chapter]) -> str:
    """Return the heading that serves as the page's title, empty if there is none.

    It is the first heading of level 1, else the first heading of a chapter without a role.
    """
    top_chapters = [chapter for chapter in chapters if chapter.level == 1]
    other_chapters = [
        chapter
        for chapter in chapters
        if 0 < chapter.level < LEAD and chapter.role is SectionRole.OTHER
    ]
    headings = (chapter.heading for chapter in (*top_chapters, *other_chapters))
    return next((heading for heading in headings if heading), "")


def _section(chapters: Sequence[_Chapter], place: int) -> Section:
    chapter = chapters[place]
    texts = [block.text for block in chapter.blocks if block.kind is not BlockKind.CODE]
    commands = [command for block in chapter.blocks for command in commands_of(block)]
    return Section(
        chapter.heading,
        "\n".join(texts),
        chapter.role,
        tuple(commands),
        chapter.level,
        tuple(dict.fromkeys(chapter.anchors)),
        _steps(chapters[place : _end_of_chapter(chapters, place)]),
        tuple(
            TableRow(block.key, block.step) for block in chapter.blocks if block.key and block.step
        ),
    )


def _end_of_chapter(chapters: Sequence[_Chapter], place: int) -> int:
    """Return the place of the first chapter that is not within the one at `place`."""
    later = range(place + 1, len(chapters))
    if not chapters[place].level:
        return place + 1
    return next((n for n in later if chapters[n].level <= chapters[place].level), len(chapters))


def _link(facts: Mapping[str, str]) -> str | None:
    links = (facts.get(name, "").strip() for name in _LINK_FACTS)
    return next((link for link in links if link.startswith(("https://", "http://"))), None)
