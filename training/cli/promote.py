"""The commands that promote a version, or roll back to the previous champion."""

import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from features.cli.progress import show_step
from training.cli.options import AsJson, actor_name

if TYPE_CHECKING:
    from models.artifacts.registry import ModelVersion

Reason = Annotated[str, typer.Option("--reason", help="why, for the log")]


def promote_command(
    target: str,
    version: Annotated[str | None, typer.Option("--version", help="default: the newest")] = None,
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Make a registered version the champion.

    Running servers follow within seconds.
    """
    with show_step("loading libraries"):
        from models.lifecycle.promotion import promote

    _move(partial(promote, target, version), reason, as_json)


def rollback_command(target: str, reason: Reason = "", as_json: AsJson = False) -> None:
    """Make the previous champion the champion again."""
    with show_step("loading libraries"):
        from models.lifecycle.promotion import rollback

    _move(partial(rollback, target), reason, as_json)


def _move(move: "Callable[..., ModelVersion]", reason: str, as_json: bool) -> None:
    from features.home import HomeSettings, find_home
    from features.store.store import open_home_store

    settings = HomeSettings()
    home, tenant = find_home(settings), settings.tenant
    with (
        show_step("moving the champion"),
        open_home_store(settings, home) as store,
    ):
        champion = move(home=home, tenant=tenant, store=store, actor=actor_name(), reason=reason)
    if as_json:
        typer.echo(json.dumps({"target": champion.target, "version": champion.version}))
    else:
        typer.echo(f"{champion.target}: version {champion.version} is champion")
