"""The command that learns from a history and promotes what passes the gate."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from features.domain.history import History
from features.errors import UnreadableFile
from features.home import open_home
from features.imports.runbooks.folder import RunbookFolder, read_runbooks
from training.cli.options import (
    AsJson,
    Family,
    HistoryFile,
    MappingFile,
    Strict,
    Targets,
    actor_name,
)
from training.cli.output import describe_report, report_json, show_progress
from training.cli.read_history import read_export, require_history
from training.pipeline.train import train
from training.settings import TrainingSettings


def train_command(
    history: HistoryFile = None,
    mapping: MappingFile = None,
    runbooks: Annotated[
        Path | None,
        typer.Option("--runbooks", help="folder or Git checkout of Markdown runbooks"),
    ] = None,
    target: Targets = None,
    force_promote: Annotated[
        bool, typer.Option("--force-promote", help="skip the gate, for experiments")
    ] = False,
    family: Family = False,
    adapt: Annotated[
        float,
        typer.Option(
            "--adapt",
            min=0,
            metavar="MINUTES",
            help="time for adapting the encoder to this history",
        ),
    ] = 0,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Learn from a history: register every model, and promote those that pass the gate."""
    settings = TrainingSettings()
    home = open_home(settings)
    past = History(())
    if history is not None or runbooks is None:
        file = require_history(history)
        past = read_export(file, mapping, home, strict=strict, quiet=as_json)
    plan = replace(
        settings.plan(home, actor=actor_name()),
        targets=tuple(target or ()),
        force_promote=force_promote,
        family=family,
        adapt_minutes=adapt,
    )
    if runbooks is not None:
        folder = _read_runbooks(runbooks, quiet=as_json)
        plan = replace(plan, runbooks=folder.runbooks, kept_runbooks=folder.unread_ids)
    with show_progress(quiet=as_json) as progress:
        report = train(past, plan, progress)
    if as_json:
        typer.echo(report_json(report, past))
    else:
        describe_report(report)


def _read_runbooks(path: Path, *, quiet: bool) -> RunbookFolder:
    folder = read_runbooks(path)
    for skipped in folder.skipped:
        # On standard error, so that it is seen beside JSON too.
        typer.echo(f"skipped {skipped.path}: {skipped.reason}", err=True)
    if not folder.runbooks:
        raise UnreadableFile(f"{path} holds no readable runbook; those stored stay as they are")
    if not quiet:
        typer.echo(f"read {len(folder.runbooks):,} runbooks, skipped {len(folder.skipped):,}")
    return folder
