"""The command that looks for changes and retrains when due, for cron, systemd and the service."""

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

import typer

from features.cli.command_errors import REFUSED
from features.cli.progress import show_progress, show_step
from training.cli.options import AsJson, Targets, actor_name

if TYPE_CHECKING:
    from training.pipeline.maintain import MaintenanceResult


def maintain_command(
    days: Annotated[
        int | None,
        typer.Option(min=1, help="monitor only the last days; default: since the training"),
    ] = None,
    target: Targets = None,
    retrain_days: Annotated[
        float | None,
        typer.Option(min=0, help="days between trainings; default: PRECEDENT_RETRAIN_DAYS"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Monitor, retrain when due, and say what was done and why."""
    with show_step("loading libraries"):
        from pydantic_core import to_json

        from features.home import find_home
        from features.store.store import open_home_store
        from training.pipeline.maintain import maintain
        from training.settings import TrainingSettings

    settings = TrainingSettings()
    home = find_home(settings)
    plan = replace(settings.plan(home, actor=actor_name()), targets=tuple(target or ()))
    with open_home_store(settings, home) as store, show_progress("maintenance") as progress:
        result = maintain(
            plan,
            store,
            retrain_days=settings.retrain_days if retrain_days is None else retrain_days,
            days=days,
            progress=progress,
        )
    typer.echo(to_json(_as_json(result)) if as_json else result.describe())
    if result.failure is not None:
        typer.echo(f"error: {result.failure}", err=True)
        raise typer.Exit(REFUSED)


def _as_json(result: "MaintenanceResult") -> dict[str, object]:
    found = asdict(result.found)
    return {
        "verdict": result.found.verdict,
        "alarms": found["alarms"],
        "proposals": found["proposals"],
        "retrained": result.is_retrained,
        "reason": result.decision.reason,
        "waiting": result.decision.waiting_fields(),
        "failure": result.failure,
        "targets": {target: asdict(done) for target, done in result.targets.items()},
        "next_at": result.next_at,
    }
