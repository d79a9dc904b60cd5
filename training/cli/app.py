"""Commands of training; every error that a user can mend is one line and exit code 2."""

import functools
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, ParamSpec, TypeVar

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from features.domain.history import History
from features.errors import NotEnoughHistory, PrecedentError, UnreadableFile
from features.home import open_home
from features.imports.runbooks.folder import RunbookFolder, read_runbooks
from features.store.store import open_store
from features.unknown_settings import warn_of_unknown_settings
from models.artifacts.registry import ModelRegistry
from training.cli.actor import actor_name
from training.cli.audit import audit_command
from training.cli.backtest_output import describe_backtest
from training.cli.modes import mode_command, modes_command
from training.cli.monitor import monitor_command
from training.cli.output import describe_report, show_progress
from training.cli.promote import promote_command, rollback_command
from training.cli.read_history import read_export
from training.cli.retrain import retrain_command
from training.cli.runbook_gaps import gaps_command
from training.demo.anomalies import record_day
from training.demo.incidents import generate_company, write_history, write_mapping, write_runbooks
from training.pipeline.backtest import BacktestReport, backtest, parse_days
from training.pipeline.report import TrainingReport
from training.pipeline.train import measure_only, train
from training.settings import TrainingSettings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

HistoryFile = Annotated[
    Path | None, typer.Option("--history", help="csv, csv.gz, jsonl, jsonl.gz or parquet")
]
RunbooksAt = Annotated[
    Path | None, typer.Option("--runbooks", help="folder or Git checkout of Markdown runbooks")
]
MappingFile = Annotated[Path | None, typer.Option("--mapping", help="how columns are to be read")]
Targets = Annotated[list[str] | None, typer.Option("--target", help="only these targets")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON for machines")]
Strict = Annotated[bool, typer.Option("--strict", help="refuse leaking columns")]
Family = Annotated[
    bool, typer.Option("--family", help="prove a model's certificates all together (Holm)")
]


P = ParamSpec("P")
R = TypeVar("R")


def one_line_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Turn an error that the user can mend into one line and exit code 2.

    Variables that look like settings and are none are warned of first.
    """

    @functools.wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        warn_of_unknown_settings()
        try:
            return command(*args, **kwargs)
        except (PrecedentError, ValidationError, SettingsError, OSError) as error:
            typer.echo(f"error: {_one_line(error)}", err=True)
            raise typer.Exit(2) from error

    return guarded


@app.command("train")
@one_line_errors
def train_command(
    history: HistoryFile = None,
    mapping: MappingFile = None,
    runbooks: RunbooksAt = None,
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
        past = read_export(_history(history), mapping, home, strict=strict, quiet=as_json)
    plan = replace(
        settings.plan(home, actor=actor_name()),
        targets=tuple(target or ()),
        force_promote=force_promote,
        family=family,
        adapt_minutes=adapt,
    )
    if runbooks is not None:
        found = _read_runbooks(runbooks, quiet=as_json)
        plan = replace(plan, runbooks=found.runbooks, kept_runbooks=found.unread_ids)
    with show_progress(quiet=as_json) as progress:
        report = train(past, plan, progress)
    _print_report(report, past, as_json)


@app.command("evaluate")
@one_line_errors
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
    """Measure what training on a history would give, and keep nothing."""
    days = None if period is None else parse_days(period)
    settings = TrainingSettings()
    home = open_home(settings)
    past = read_export(_history(history), mapping, home, strict=strict, quiet=as_json)
    plan = replace(
        settings.plan(home, actor=actor_name()), targets=tuple(target or ()), family=family
    )
    with show_progress(quiet=as_json) as progress:
        report = (
            measure_only(past, plan, progress)
            if days is None
            else backtest(past, plan, days, progress)
        )
    _print_report(report, past, as_json)


app.command("promote")(one_line_errors(promote_command))
app.command("rollback")(one_line_errors(rollback_command))
app.command("audit")(one_line_errors(audit_command))
app.command("mode")(one_line_errors(mode_command))
app.command("modes")(one_line_errors(modes_command))
app.command("gaps")(one_line_errors(gaps_command))
app.command("monitor")(one_line_errors(monitor_command))
app.command("retrain")(one_line_errors(retrain_command))


@app.command("demo")
@one_line_errors
def demo_command() -> None:
    """Train on a synthetic company's history, unless there is a champion already."""
    settings = TrainingSettings()
    home = open_home(settings)
    champions = ModelRegistry(home.tracking_uri, settings.tenant).champions()
    if champions:
        typer.echo(f"champions exist ({', '.join(champions)}): nothing to train")
        return
    folder = home.root / "demo"
    folder.mkdir(exist_ok=True)
    company = generate_company()
    write_history(company, folder / "history.jsonl")
    write_mapping(folder / "mapping.yaml")
    write_runbooks(company, folder / "runbooks")
    typer.echo(f"training on a SYNTHETIC company's history, written to {folder}")
    train_command(
        history=folder / "history.jsonl",
        mapping=folder / "mapping.yaml",
        runbooks=folder / "runbooks",
    )
    typer.echo("watching a week of its SYNTHETIC metrics, and a deploy that breaks a service")
    with open_store(settings.database_url or home.database_url, settings.tenant) as store:
        typer.echo(f"what changed and what moved: incident {record_day(company, home, store)}")


def _history(path: Path | None) -> Path:
    if path is None:
        raise NotEnoughHistory("nothing to learn from: give --history FILE or --runbooks DIR")
    return path


def _read_runbooks(folder: Path, *, quiet: bool) -> RunbookFolder:
    found = read_runbooks(folder)
    for skipped in found.skipped:
        # On standard error, so that it is seen beside JSON too.
        typer.echo(f"skipped {skipped.path}: {skipped.reason}", err=True)
    if not found.runbooks:
        raise UnreadableFile(f"{folder} holds no readable runbook; those stored stay as they are")
    if not quiet:
        typer.echo(f"read {len(found.runbooks):,} runbooks, skipped {len(found.skipped):,}")
    return found


def _print_report(report: TrainingReport | BacktestReport, past: History, as_json: bool) -> None:
    if as_json:
        found = asdict(report) | {
            "rows": len(past.incidents),
            "rejected": len(past.rejected),
            "warnings": [*past.warnings, *report.warnings],
            "provenance": dict(past.provenance),
        }
        typer.echo(json.dumps(found, indent=2, default=str))
    elif isinstance(report, BacktestReport):
        describe_backtest(report)
    else:
        describe_report(report)


def _one_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"setting {'.'.join(map(str, first['loc']))}: {first['msg']}"
    return " ".join(str(error).split())
