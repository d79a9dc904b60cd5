"""The command that trains anew on the store, by hand or by a schedule."""

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from features.errors import BadQuestion
from features.formatting import counted
from features.home import open_home
from features.store.store import Store, open_store
from features.text.parsing import as_utc
from models.artifacts.registry import ModelRegistry
from training.cli.options import AsJson, MappingFile, actor_name
from training.cli.output import describe_report, show_progress
from training.cli.read_history import read_export
from training.dataset.point_in_time import describe_self_confirmed
from training.pipeline.retrain import RetrainingRequest, RetrainingResult, retrain
from training.pipeline.retrain_trigger import RetrainingDecision, decide_retraining
from training.plan import TrainingPlan
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
        due = _decide(store, plan, settings, now) if if_due else RetrainingDecision(True, "by hand")
        if not due.is_due:
            fields = {"retrained": False, "reason": due.reason}
            typer.echo(json.dumps(fields) if as_json else due.reason)
            return
        file = None if history is None else read_export(history, mapping, home, quiet=as_json)
        request = RetrainingRequest(moment, file, from_store or file is None, due.reason)
        with show_progress(quiet=as_json) as progress:
            result = retrain(request, plan, store, progress)
    if as_json:
        typer.echo(json.dumps(_as_json(result, request), indent=2, default=str))
    else:
        _describe(result, request)


def _decide(
    store: Store, plan: TrainingPlan, settings: TrainingSettings, now: datetime
) -> RetrainingDecision:
    registry = ModelRegistry(plan.home.tracking_uri, plan.tenant)
    return decide_retraining(
        store, registry, plan.targets, retrain_days=settings.retrain_days, now=now
    )


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


def _as_json(result: RetrainingResult, request: RetrainingRequest) -> dict[str, object]:
    past = result.history
    return asdict(result.report) | {
        "retrained": True,
        "reason": request.reason,
        "cutoff": request.cutoff.isoformat(),
        "rows": len(past.incidents),
        "rejected": len(past.rejected),
        "echoes": result.self_confirmed,
        "left_out": [asdict(period) for period in result.left_out],
        "data_sha256": past.sha256,
        "warnings": [*past.warnings, *result.report.warnings],
        "provenance": dict(past.provenance),
    }


def _describe(result: RetrainingResult, request: RetrainingRequest) -> None:
    typer.echo(
        f"learned from {counted(len(result.history.incidents), 'incident')}, "
        f"as known on {request.cutoff:%Y-%m-%d %H:%M} UTC ({request.reason})"
    )
    for line in describe_self_confirmed(result.self_confirmed):
        typer.echo(line)
    for period in result.left_out:
        typer.echo(period.describe())
    describe_report(result.report)
