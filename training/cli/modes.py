"""The commands that set and list what may be done with answers."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic_core import to_json

from features.cli.progress import show_step
from features.domain.modes import Mode, Modes
from training.cli.options import AsJson, actor_name

if TYPE_CHECKING:
    from features.store.store import Store
    from models.artifacts.registry import ModelRegistry, ModelVersion
    from models.lifecycle.answer_modes import ModeLine


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
    """Set what may be done with answers.

    `mode monitor` returns all targets and labels to monitor. Setting a target's mode also removes
    the modes of its labels that allow more.
    """
    step = "asking the registry" if label is None else "reading the champion's labels"
    with show_step(step):
        from models.lifecycle.answer_modes import parse_mode, set_mode, unproven_version

        wanted = parse_mode(mode)
        registry, store = _open()
        with store:
            line = set_mode(
                target,
                label,
                wanted,
                store=store,
                registry=registry,
                actor=actor_name(),
                now=datetime.now(UTC),
            )
            unproven, modes = unproven_version(line, registry), store.modes.current()
    if unproven is not None and line.label is not None:
        _warn_of_unproven(unproven, line.label)
    if as_json:
        typer.echo(to_json(asdict(line)))
    else:
        typer.echo(f"{line.describe()}{_except(line, modes)}; running servers follow in seconds")


def modes_command(as_json: AsJson = False) -> None:
    """List what may be done with answers, by target and label."""
    with show_step("asking the registry"):
        from models.lifecycle.answer_modes import mode_lines

        registry, store = _open()
        with store:
            lines = mode_lines(store.modes.current(), registry.champion_numbers())
    if as_json:
        typer.echo(to_json({"modes": [asdict(line) for line in lines]}))
        return
    for line in lines:
        since = f"since {line.set_at:%Y-%m-%d %H:%M} UTC" if line.set_at else "the default"
        typer.echo(f"{line.describe()} ({since})")
    if not lines:
        typer.echo("there is no champion and no mode yet; run: precedent train")


def _open() -> "tuple[ModelRegistry, Store]":
    from features.home import HomeSettings, find_home
    from features.store.store import open_home_store
    from models.artifacts.registry import ModelRegistry

    settings = HomeSettings()
    home = find_home(settings)
    store = open_home_store(settings, home)
    return ModelRegistry(home.tracking_uri, settings.tenant), store


def _warn_of_unproven(champion: "ModelVersion", label: str) -> None:
    typer.echo(
        f"warning: version {champion.version} of {champion.target} has no certificate for "
        f"{label!r}: it will stay suggest until a version proves it",
        err=True,
    )


def _except(line: "ModeLine", modes: Modes) -> str:
    if line.target is None or line.label is not None:
        return ""
    return "".join(
        f", except {label!r}: {mode}" for label, mode in modes.of_labels(line.target).items()
    )
