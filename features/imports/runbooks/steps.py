"""Extracts the steps of a runbook: its instructions and commands, diagnosis before mitigation."""

from collections.abc import Iterator, Sequence

from features.domain.runbook import SectionRole
from features.formatting import cut_short
from features.imports.runbooks.blocks import Block, BlockKind
from features.imports.runbooks.commands import commands_of

_MOST_STEPS = 40
_LONGEST_STEP = 600
_LISTED = (BlockKind.ITEM, BlockKind.ACTION_ROW)


def steps_of(chapters: Sequence[tuple[SectionRole, Sequence[Block]]]) -> tuple[str, ...]:
    """Return what to do, in order: first the steps of diagnosis, then those of mitigation.

    If there are no such steps, those of the chapters without a role are returned. Chapters about
    meaning and impact have no steps. Repeated steps and those after the first 40 are left out.
    """
    for roles in ((SectionRole.DIAGNOSIS, SectionRole.MITIGATION), (SectionRole.OTHER,)):
        role_blocks = [
            blocks for role in roles for chapter_role, blocks in chapters if chapter_role is role
        ]
        steps = [step for blocks in role_blocks for step in _steps_in(blocks)]
        if steps:
            return tuple(dict.fromkeys(steps))[:_MOST_STEPS]
    return ()


def _steps_in(blocks: Sequence[Block]) -> Iterator[str]:
    """Yield the steps of a chapter; without a list, a table or commands its prose is the steps."""
    has_list = any(block.kind in _LISTED or commands_of(block) for block in blocks)
    for index, block in enumerate(blocks):
        next_block = blocks[index + 1] if index + 1 < len(blocks) else None
        introduces_commands = next_block is not None and bool(commands_of(next_block))
        if block.kind is BlockKind.CODE:
            yield from commands_of(block)
        elif block.kind is BlockKind.REFERENCE:
            continue
        elif (
            block.kind in (*_LISTED, BlockKind.WARNING)
            or not has_list
            or (introduces_commands and block.kind is BlockKind.PARAGRAPH)
        ):
            yield cut_short(block.step or block.text, _LONGEST_STEP)
