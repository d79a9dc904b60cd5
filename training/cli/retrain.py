"""The command that trains anew on the store, by hand or by a schedule."""

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from features.errors import BadQuestion
from features.home import open_home
from features.store.store import IncidentStore, open_store
from features.text.parsing import as_utc
from models.artifacts.registry import ModelRegistry
from training.cli.options import AsJson, MappingFile, actor_name
from training.cli.output import describe_report, show_progress
from training.cli.read_history import read_export
from training.dataset.point_in_time import describe_self_confirmed
from training.pipeline.retrain import Retrained, Wanted, retrain
from training.pipeline.retrain_trigger import Due, why_due
from training.plan import TrainingPlan
from training.plurals import counted
from training.settings import TrainingSettings


def retrain_command(
    from_store: Annotated[
        bool, typer.Option("--from-store", help="the stored incidents (default without --history)")
    ] = False,
    history: Annotated[
        Path | None, typer.Option("--history", help="a file, with --from-store beside the store")
    ] = None,
    mapping: MappingFile = None,
    cutoff: Annotated[
        str | None, typer.Option("--cutoff", help="only what was known then; default: now")
    ] = None,
    target: Annotated[list[str] | None, typer.Option("--target", help="only these")] = None,
    if_due: Annotated[
        bool, typer.Option("--if-due", help="only when it is time, as a schedule asks")
    ] = False,
    force_promote: Annotated[
        bool, typer.Option("--force-promote", help="skip the gate, for experiments")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Learn from what was answered and said since: labels, corrections and final states."""
    now = datetime.now(UTC)
    moment = now if cutoff is None else _parse_cutoff(cutoff, now)
    if mapping is not None and history is None:
        raise BadQuestion("--mapping says how a file is to be read; name the file with --history")
    settings = TrainingSettings()
    home = open_home(settings)
    targets = tuple(target or ())
    plan = replace(
        settings.plan(home, actor=actor_name()), targets=targets, force_promote=force_promote
    )
    with open_store(plan.database_url, plan.tenant) as store:
        due = _ask_when_due(store, plan, settings, now) if if_due else Due(True, "by hand")
        if not due.is_due:
            told = json.dumps({"retrained": False, "reason": due.reason})
            typer.echo(told if as_json else due.reason)
            return
        file = None if history is None else read_export(history, mapping, home, quiet=as_json)
        wanted = Wanted(moment, file, from_store or file is None, due.reason)
        with show_progress(quiet=as_json) as progress:
            done = retrain(wanted, plan, store, progress)
    if as_json:
        typer.echo(json.dumps(_as_json(done, wanted), indent=2, default=str))
    else:
        _describe(done, wanted)


def _ask_when_due(
    store: IncidentStore, plan: TrainingPlan, settings: TrainingSettings, now: datetime
) -> Due:
    registry = ModelRegistry(plan.home.tracking_uri, plan.tenant)
    return why_due(store, registry, plan.targets, retrain_days=settings.retrain_days, now=now)


def _parse_cutoff(given: str, now: datetime) -> datetime:
    try:
        moment = as_utc(datetime.fromisoformat(given.strip()))
    except ValueError:
        moment = None
    if moment is None:
        raise BadQuestion(
            f"--cutoff: {given!r} is no time; write 2026-03-01 or 2026-03-01T12:00:00Z"
        )
    if moment > now:
        raise BadQuestion(f"--cutoff: {given} has not come yet; leave it out to learn all there is")
    return moment


def _as_json(done: Retrained, wanted: Wanted) -> dict[str, object]:
    past = done.history
    return asdict(done.report) | {
        "retrained": True,
        "reason": wanted.reason,
        "cutoff": wanted.cutoff.isoformat(),
        "rows": len(past.incidents),
        "rejected": len(past.rejected),
        "echoes": done.echoes,
        "left_out": [asdict(one) for one in done.left_out],
        "data_sha256": past.sha256,
        "warnings": [*past.warnings, *done.report.warnings],
        "provenance": dict(past.provenance),
    }


def _describe(done: Retrained, wanted: Wanted) -> None:
    typer.echo(
        f"learned from {counted(len(done.history.incidents), 'incident')}, "
        f"as known on {wanted.cutoff:%Y-%m-%d %H:%M} UTC ({wanted.reason})"
    )
    for told in describe_self_confirmed(done.echoes):
        typer.echo(told)
    for one in done.left_out:
        typer.echo(one.describe())
    describe_report(done.report)
