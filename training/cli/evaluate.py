"""The command that evaluates models without registering them, also by a replay of past days."""

from typing import Annotated

import typer

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


def evaluate_command(
    history: HistoryFile = None,
    mapping: MappingFile = None,
    target: Targets = None,
    period: Annotated[
        str | None, typer.Option("--backtest", help="replay the last days, such as 90d")
    ] = None,
    family: Family = False,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Evaluate what training would give, and register nothing."""
    with show_step("loading libraries"):
        from dataclasses import replace

        from features.home import open_home
        from training.cli.backtest_output import describe_backtest
        from training.cli.output import describe_report, report_json
        from training.cli.read_history import read_export, require_history
        from training.pipeline.backtest import BacktestReport, backtest, parse_days
        from training.pipeline.train import measure_only
        from training.settings import TrainingSettings

    days = None if period is None else parse_days(period)
    file = require_history(history)
    settings = TrainingSettings()
    # The home is created, because encoded texts are cached there for a later training.
    home = open_home(settings)
    past = read_export(file, mapping, home, strict=strict, quiet=as_json)
    plan = replace(
        settings.plan(home, actor=actor_name()), targets=tuple(target or ()), family=family
    )
    with show_progress("measuring") as progress:
        report = (
            measure_only(past, plan, progress)
            if days is None
            else backtest(past, plan, days, progress)
        )
    if as_json:
        typer.echo(report_json(report, past))
    elif isinstance(report, BacktestReport):
        describe_backtest(report)
    else:
        describe_report(report)
