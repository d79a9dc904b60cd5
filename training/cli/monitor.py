"""The command that reports changes in data and in answer quality since the training."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from features.cli.progress import show_step
from features.formatting import counted
from training.cli.options import AsJson

if TYPE_CHECKING:
    from features.domain.monitoring import Alarm, MonitoringReport, Proposal
    from features.domain.suspension import Suspension

_FIRST_MEASURES = 2


def monitor_command(
    days: Annotated[
        int | None,
        typer.Option(min=1, help="use only the last days; default: since the training"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Report what changed since the training, and what to do.

    A champion that answers worse than one label for all incidents is suspended: it abstains.
    """
    with show_step("loading libraries"):
        from pydantic_core import to_json

        from features.home import find_home
        from features.store.store import open_home_store
        from models.artifacts.registry import ModelRegistry
        from models.lifecycle.suspension import apply_judgements
        from training.monitoring.report import build_report
        from training.settings import TrainingSettings

    settings = TrainingSettings()
    home = find_home(settings)
    registry = ModelRegistry(home.tracking_uri, settings.tenant)
    with (
        open_home_store(settings, home) as store,
        show_step("comparing the store with the training data"),
    ):
        report = build_report(store, registry, home, settings.encoder, days=days)
        store.monitoring_reports.save(report)
        suspensions = apply_judgements(report.judgements, store, report.at)
    if as_json:
        suspended = [asdict(suspension) for suspension in suspensions]
        typer.echo(to_json(asdict(report) | {"suspensions": suspended}))
    else:
        _describe(report, suspensions)


def _describe(report: "MonitoringReport", suspensions: "Iterable[Suspension]") -> None:
    count = len(report.proposals)
    also = f"; {counted(count, 'proposal')}" if count else ""
    typer.echo(f"{report.verdict}{also}")
    first, others = report.measures[:_FIRST_MEASURES], report.measures[_FIRST_MEASURES:]
    for measure in first:
        typer.echo(measure.describe())
    for suspension in suspensions:
        typer.echo(f"SUSPENDED: version {suspension.version} of {suspension.describe()}")
    for alarm in report.alarms:
        typer.echo(_alarm(alarm))
    for proposal in report.proposals:
        typer.echo(_proposal(proposal))
    for measure in others:
        typer.echo(f"{measure.target or 'all'}: {measure.describe()}")


def _alarm(alarm: "Alarm") -> str:
    since = f" since {alarm.since:%Y-%m-%d %H:%M} UTC" if alarm.since else ""
    return (
        f"ALARM ({alarm.signal}){since}: {alarm.statement}\n"
        f"  see {', '.join(alarm.examples) or 'no examples'}\n  do: {alarm.advice}"
    )


def _proposal(proposal: "Proposal") -> str:
    return (
        f"PROPOSAL ({proposal.kind}, {proposal.target}): {proposal.name}: {proposal.statement}\n"
        f"  see {', '.join(proposal.examples)}"
    )
