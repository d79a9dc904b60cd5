"""The command that shows the audit log, and champions and answers at a moment."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic_core import to_json

from features.cli.progress import show_step
from features.errors import BadQuestion, RegistryUnavailable
from training.cli.audit_file import write_log
from training.cli.options import AsJson

if TYPE_CHECKING:
    from features.domain.audit_event import AuditEvent
    from features.domain.predictions import PredictionRecord
    from features.home import Home
    from features.store.store import Store
    from models.artifacts.registry import ModelRegistry
    from models.lifecycle.champion_audit import AuditReport, ChampionAt

_SHOWN = 20
_MINUTE = "%Y-%m-%d %H:%M"


def audit_command(
    at: Annotated[
        str | None, typer.Option("--at", help="a day (its end) or time, UTC; default: now")
    ] = None,
    incident: Annotated[str | None, typer.Option("--incident", help="id of an incident")] = None,
    target: Annotated[str | None, typer.Option("--target", help="only this target")] = None,
    export: Annotated[
        Path | None, typer.Option("--export", help="write the log to a .csv or .jsonl file")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the audit log, or champions and answers at a moment."""
    moment = _parse_moment(at)
    with show_step("asking the registry"):
        from features.home import HomeSettings, find_home
        from features.store.store import open_home_store

        settings = HomeSettings()
        home = find_home(settings)
        store = open_home_store(settings, home)
        registry = _reconcile(home, settings.tenant, store)
    with store:
        if export is not None:
            _export(store, export, target, moment, as_json=as_json)
        elif at is None and incident is None:
            _show_log(store.audit_log.select(target=target), target, as_json=as_json)
        else:
            _show_moment(store, registry, moment or datetime.now(UTC), incident, target, as_json)


def _reconcile(home: "Home", tenant: str, store: "Store") -> "ModelRegistry | None":
    """Log champions that the log lacks; return the registry, None if it cannot be read."""
    from models.artifacts.registry import ModelRegistry
    from models.lifecycle.promotion import note_found_champions

    registry = ModelRegistry(home.tracking_uri, tenant)
    try:
        if registry.champion_numbers():
            note_found_champions(home=home, tenant=tenant, store=store)
    except RegistryUnavailable as error:
        typer.echo(f"warning: the log was not compared with the registry: {error}", err=True)
        return None
    return registry


def _parse_moment(at: str | None) -> datetime | None:
    if at is None:
        return None
    from features.text.parsing import parse_latest_moment

    try:
        return parse_latest_moment(at)
    except ValueError:
        raise BadQuestion(f"--at {at!r} is no day or time; write it as 2026-03-03") from None


def _export(
    store: "Store", file: Path, target: str | None, until: datetime | None, *, as_json: bool
) -> None:
    events = store.audit_log.select(target=target, until=until)
    write_log(events, file)
    if as_json:
        typer.echo(to_json({"file": str(file), "events": len(events)}))
    else:
        typer.echo(f"wrote {len(events):,} events to {file}")


def _show_log(events: "Sequence[AuditEvent]", target: str | None, *, as_json: bool) -> None:
    if as_json:
        typer.echo(to_json({"events": [asdict(event) for event in events]}, indent=2))
        return
    if not events:
        empty = "the log is empty; it begins with the first training"
        typer.echo(empty if target is None else f"the log has no event of {target!r}")
    elif len(events) > _SHOWN:
        typer.echo(f"the last {_SHOWN} of {len(events):,} events; --export FILE writes all")
    for event in events[-_SHOWN:]:
        action = " ".join(filter(None, (event.what, event.target, _version_text(event.version))))
        typer.echo(f"{event.at:{_MINUTE}}  {action}, by {event.actor}{_reason_text(event.reason)}")


def _show_moment(
    store: "Store",
    registry: "ModelRegistry | None",
    moment: datetime,
    incident: str | None,
    target: str | None,
    as_json: bool,
) -> None:
    from models.lifecycle.champion_audit import audit_at

    report = audit_at(store, registry, at=moment, incident_id=incident, target=target)
    if as_json:
        typer.echo(to_json(asdict(report), indent=2))
        return
    typer.echo(f"at {moment:%Y-%m-%d %H:%M:%S} UTC")
    for champion in report.champions:
        _describe_champion(champion)
    if not report.champions:
        typer.echo("there was no model; run: precedent train")
    if incident is not None:
        _describe_answers(incident, report.answers)
        _describe_labels(report)


def _describe_champion(champion: "ChampionAt") -> None:
    reign = champion.reign
    if reign is None:
        typer.echo(f"{champion.target}: {champion.unknown}")
        return
    since = f"{reign.since:{_MINUTE}} UTC, {reign.how} by {reign.actor}{_reason_text(reign.reason)}"
    typer.echo(f"{champion.target}: version {reign.version} was champion, since {since}")
    if champion.data_sha256:
        typer.echo(f"  trained on data {champion.data_sha256}")
    for gain in champion.gain_records:
        if not gain.is_of_slice:
            typer.echo(f"  {gain.describe()}")


def _describe_answers(incident: str, answers: "Sequence[PredictionRecord]") -> None:
    heading = f"answers about {incident} up to then:" if answers else f"no answer about {incident}"
    typer.echo(heading)
    for answer in answers[:_SHOWN]:
        sampled = f", drawn for audit at {answer.audit_share:.0%}" if answer.audit_share else ""
        typer.echo(
            f"  {answer.answered_at:{_MINUTE}}  {answer.target}: {answer.label!r}, "
            f"{answer.confidence:.0%} sure, {answer.decision} in mode {answer.mode}, "
            f"version {answer.model_version}{sampled}"
        )
    if len(answers) > _SHOWN:
        typer.echo(f"  and {len(answers) - _SHOWN:,} before; --json lists all")


def _describe_labels(report: "AuditReport") -> None:
    labels, counting = report.labels, report.counting
    typer.echo("its labels:" if labels else "it has no label of people or of its outcome")
    for label in labels:
        note = " (counted then)" if label in counting else ""
        note = " (later)" if label.given_at > report.at else note
        typer.echo(
            f"  {label.given_at:{_MINUTE}}  {label.target}: {label.label!r}, {label.source}, "
            f"by {label.given_by}{note}"
        )


def _version_text(version: str | None) -> str | None:
    return None if version is None else f"version {version}"


def _reason_text(reason: str) -> str:
    return f": {reason}" if reason else ""
