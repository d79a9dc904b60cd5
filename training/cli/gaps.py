"""The command that lists incidents that recur without a runbook."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.cli.progress import show_step
from training.cli.options import AsJson

if TYPE_CHECKING:
    from training.pipeline.runbook_gaps import Gap

_SHOWN = 20


def gaps_command(
    least: Annotated[int, typer.Option(min=2, help="how often an incident must have occurred")] = 3,
    drafts: Annotated[
        Path | None, typer.Option(help="folder for a Markdown draft of each missing runbook")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List incidents that recur without a runbook, most frequent first."""
    with show_step("comparing incidents with runbooks"):
        from training.cli.stored_gaps import find_stored_gaps

        gaps = find_stored_gaps(least)
    if drafts is not None:
        _write_drafts(gaps, drafts)
    if as_json:
        typer.echo(json.dumps({"gaps": [asdict(gap) for gap in gaps]}, indent=2, default=str))
        return
    typer.echo(f"{len(gaps)} kinds of incidents occurred {least} times or more without a runbook")
    for gap in gaps[:_SHOWN]:
        last = f", last on {gap.last_at:%Y-%m-%d}" if gap.last_at else ""
        typer.echo(f"{gap.count:6} times{last}: {gap.title}")


def _write_drafts(gaps: "Sequence[Gap]", folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, gap in enumerate(gaps, start=1):
        (folder / f"gap-{number:03}.md").write_text(gap.draft, encoding="utf-8")
