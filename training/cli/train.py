"""The command that trains models on a history and promotes those that pass the gate."""

from pathlib import Path
from typing import Annotated

import typer

from features.cli.modules import modules_stay
from features.cli.progress import show_progress, show_step
from training.cli.options import (
    AsJson,
    Family,
    HistoryFile,
    MappingFile,
    Strict,
    Targets,
    actor_name,
)


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
    """Learn from a history, and promote models that pass the gate."""
    with show_step("loading libraries"), modules_stay():
        from dataclasses import replace

        from features.domain.history import History
        from features.home import open_home
        from training.cli.output import describe_report, report_json
        from training.cli.read_history import read_export, read_runbook_folder, require_history
        from training.pipeline.train import train
        from training.settings import TrainingSettings

    settings = TrainingSettings()
    past = History(())
    file = require_history(history) if history is not None or runbooks is None else None
    home = open_home(settings)
    if file is not None:
        past = read_export(file, mapping, home, strict=strict, quiet=as_json)
    plan = replace(
        settings.plan(home, actor=actor_name()),
        targets=tuple(target or ()),
        force_promote=force_promote,
        family=family,
        adapt_minutes=adapt,
    )
    if runbooks is not None:
        folder = read_runbook_folder(runbooks, quiet=as_json)
        plan = replace(plan, runbooks=folder.runbooks, kept_runbooks=folder.unread_ids)
    with show_progress("training") as progress:
        report = train(past, plan, progress)
    if as_json:
        typer.echo(report_json(report, past))
    else:
        describe_report(report)
