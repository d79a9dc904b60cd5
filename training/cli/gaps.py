"""The command that lists what recurs without a runbook."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from features.domain.report import IncidentReport
from features.encoding.encoder_weights import open_encoder
from features.home import open_home
from features.store.store import open_store
from models.runbooks.runbook_index import RunbookIndex
from models.runbooks.runbook_model import RunbookModel
from training.cli.options import AsJson
from training.pipeline.runbook_gaps import MIN_RECURRENCES, Gap, find_gaps
from training.settings import TrainingSettings

_SHOWN = 20


def gaps_command(
    least: Annotated[
        int, typer.Option(min=2, help="how often an incident must have recurred")
    ] = MIN_RECURRENCES,
    drafts: Annotated[
        Path | None, typer.Option(help="folder for a Markdown draft of each missing runbook")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List kinds of stored incidents that recur without a runbook, the most frequent first."""
    gaps = _stored_gaps(least)
    if drafts is not None:
        _write_drafts(gaps, drafts)
    if as_json:
        typer.echo(json.dumps({"gaps": [asdict(gap) for gap in gaps]}, indent=2, default=str))
        return
    typer.echo(f"{len(gaps)} kinds of incidents recurred {least} times or more without a runbook")
    for gap in gaps[:_SHOWN]:
        last = f", last on {gap.last_at:%Y-%m-%d}" if gap.last_at else ""
        typer.echo(f"{gap.count:6} times{last}: {gap.title}")


def _stored_gaps(least: int) -> tuple[Gap, ...]:
    settings = TrainingSettings()
    home = open_home(settings)
    with open_store(settings.database_url or home.database_url, settings.tenant) as store:
        incidents, runbooks = tuple(store.incidents.all()), store.runbooks.all()
    shelf = RunbookIndex(runbooks, open_encoder(settings.encoder))
    model = RunbookModel(encoder=settings.encoder).fit(())

    def has_runbook(report: IncidentReport) -> bool:
        return bool(model.suggest([report], shelf)[0].runbooks)

    return find_gaps(incidents, has_runbook=has_runbook, least=least)


def _write_drafts(gaps: Sequence[Gap], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for place, gap in enumerate(gaps, start=1):
        (folder / f"gap-{place:03}.md").write_text(gap.draft, encoding="utf-8")
