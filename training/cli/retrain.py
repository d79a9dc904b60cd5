"""The command that trains again from the store, by hand or on a schedule."""

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.cli.progress import show_progress, show_step
from features.errors import BadQuestion
from features.formatting import counted
from training.cli.options import AsJson, MappingFile, actor_name

if TYPE_CHECKING:
    from training.pipeline.retrain import RetrainingRequest, RetrainingResult


def retrain_command(
    from_store: Annotated[
        bool, typer.Option("--from-store", help="learn from the store (default without --history)")
    ] = False,
    history: Annotated[
        Path | None,
        typer.Option("--history", help="learn from a file, with --from-store also from the store"),
    ] = None,
    mapping: MappingFile = None,
    cutoff: Annotated[
        str | None, typer.Option("--cutoff", help="use what was known at this time; default: now")
    ] = None,
    target: Annotated[list[str] | None, typer.Option("--target", help="only these targets")] = None,
    if_due: Annotated[
        bool, typer.Option("--if-due", help="only if a retraining is due; for schedules")
    ] = False,
    renamed: Annotated[
        tuple[str, str, str] | None,
        typer.Option(
            "--renamed",
            metavar="TARGET OLD NEW",
            help="a label of a target has a new name; it counts in all later trainings too",
        ),
    ] = None,
    force_promote: Annotated[
        bool, typer.Option("--force-promote", help="skip the gate, for experiments")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train again, with labels and outcomes added since."""
    if mapping is not None and history is None:
        raise BadQuestion("--mapping says how to read a file; name the file with --history")
    if renamed is not None and renamed[1] == renamed[2]:
        raise BadQuestion(f"--renamed: {renamed[1]!r} is both the old and the new label")
    with show_step("loading libraries"):
        from features.home import find_home, open_home
        from features.store.store import open_store
        from models.artifacts.registry import ModelRegistry
        from training.cli.read_history import read_export
        from training.pipeline.retrain import RetrainingRequest, retrain
        from training.pipeline.retrain_trigger import RetrainingDecision, decide_retraining
        from training.settings import TrainingSettings

    now = datetime.now(UTC)
    moment = now if cutoff is None else _parse_cutoff(cutoff, now)
    settings = TrainingSettings()
    # Without a file, the store is the only source, so the home must exist.
    home = find_home(settings) if history is None else open_home(settings)
    plan = replace(
        settings.plan(home, actor=actor_name()),
        targets=tuple(target or ()),
        force_promote=force_promote,
    )
    with open_store(plan.database_url, plan.tenant) as store:
        due = RetrainingDecision(True, "by hand")
        if if_due:
            with show_step("looking at the last training"):
                registry = ModelRegistry(home.tracking_uri, plan.tenant)
                due = decide_retraining(
                    store, registry, plan.targets, retrain_days=settings.retrain_days, now=now
                )
        if not due.is_due:
            fields = {"retrained": False, "reason": due.reason, "waiting": due.waiting_fields()}
            typer.echo(json.dumps(fields, default=str) if as_json else due.describe())
            return
        file = None if history is None else read_export(history, mapping, home, quiet=as_json)
        names = {} if renamed is None else {renamed[0]: {renamed[1]: renamed[2]}}
        request = RetrainingRequest(moment, file, from_store or file is None, due.reason, names)
        with show_progress("training") as progress:
            result = retrain(request, plan, store, progress)
    if as_json:
        typer.echo(json.dumps(_as_json(result, request), indent=2, default=str))
    else:
        _describe(result, request)


def _parse_cutoff(text: str, now: datetime) -> datetime:
    from features.text.parsing import as_utc

    try:
        cutoff = as_utc(datetime.fromisoformat(text.strip()))
    except ValueError:
        raise BadQuestion(
            f"--cutoff: {text!r} is no time; write 2026-03-01 or 2026-03-01T12:00:00Z"
        ) from None
    if cutoff > now:
        raise BadQuestion(f"--cutoff: {text} is in the future; leave it out to use all incidents")
    return cutoff


def _as_json(result: "RetrainingResult", request: "RetrainingRequest") -> dict[str, object]:
    history = result.history
    return asdict(result.report) | {
        "retrained": True,
        "reason": request.reason,
        "cutoff": request.cutoff.isoformat(),
        "rows": len(history.incidents),
        "rejected": len(history.rejected),
        "echoes": result.self_confirmed,
        "left_out": [asdict(period) for period in result.left_out],
        "data_sha256": history.sha256,
        "warnings": [*history.warnings, *result.report.warnings],
        "provenance": dict(history.provenance),
    }


def _describe(result: "RetrainingResult", request: "RetrainingRequest") -> None:
    from training.cli.output import describe_report
    from training.dataset.point_in_time import describe_self_confirmed

    typer.echo(
        f"learned from {counted(len(result.history.incidents), 'incident')}, "
        f"as known on {request.cutoff:%Y-%m-%d %H:%M} UTC ({request.reason})"
    )
    for line in describe_self_confirmed(result.self_confirmed):
        typer.echo(line)
    for period in result.left_out:
        typer.echo(period.describe())
    describe_report(result.report)
