"""Commands by which the owner says what may be done with answers, and sees what holds."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from pydantic_core import to_json
from rich.console import Console
from rich.status import Status

from features.domain.modes import Mode, Modes
from features.home import HomeSettings, open_home
from features.store.store import Store, open_store
from models.artifacts.registry import ModelRegistry, ModelVersion
from models.lifecycle.answer_modes import (
    ModeLine,
    mode_lines,
    parse_mode,
    set_mode,
    unproven_version,
)
from training.cli.options import AsJson, actor_name


def mode_command(
    mode: Annotated[str, typer.Argument(help=", ".join(Mode))],
    target: Annotated[
        str | None, typer.Option("--target", help="whose answers; needed unless MODE is monitor")
    ] = None,
    label: Annotated[
        str | None, typer.Option("--label", help="only the target's answers with this label")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set what may be done with answers; `mode monitor` returns everything to monitor.

    A target's mode also lowers those of its labels that were allowed more.
    """
    wanted = parse_mode(mode)
    registry, store = _open()
    with store, _reading_labels(quiet=as_json or label is None):
        done = set_mode(
            target,
            label,
            wanted,
            store=store,
            registry=registry,
            actor=actor_name(),
            now=datetime.now(UTC),
        )
        unproven, modes = unproven_version(done, registry), store.modes.current()
    if unproven is not None and done.label is not None:
        _warn_of_unproven(unproven, done.label)
    if as_json:
        typer.echo(to_json(asdict(done)))
    else:
        typer.echo(f"{done.describe()}{_except(done, modes)}; running servers follow in seconds")


def modes_command(as_json: AsJson = False) -> None:
    """List what may be done with the answers of each target, and of labels that differ."""
    registry, store = _open()
    with store:
        lines = mode_lines(store.modes.current(), registry.champions())
    if as_json:
        typer.echo(to_json({"modes": [asdict(line) for line in lines]}))
        return
    for line in lines:
        since = f"since {line.set_at:%Y-%m-%d %H:%M} UTC" if line.set_at else "the default"
        typer.echo(f"{line.describe()} ({since})")
    if not lines:
        typer.echo("there is no champion and no mode yet; run: python -m training train")


def _open() -> tuple[ModelRegistry, Store]:
    settings = HomeSettings()
    home = open_home(settings)
    store = open_store(settings.database_url or home.database_url, settings.tenant)
    return ModelRegistry(home.tracking_uri, settings.tenant), store


def _reading_labels(*, quiet: bool) -> Status:
    return Console(stderr=True, quiet=quiet).status("reading the champion's labels")


def _warn_of_unproven(champion: ModelVersion, label: str) -> None:
    typer.echo(
        f"warning: version {champion.version} of {champion.target} has no certificate for "
        f"{label!r}: it will stay suggest until a version proves it",
        err=True,
    )


def _except(done: ModeLine, modes: Modes) -> str:
    if done.target is None or done.label is not None:
        return ""
    return "".join(f", except {name!r}: {of}" for name, of in modes.of_labels(done.target).items())
