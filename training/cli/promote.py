"""Commands by which a person promotes a version, or brings the champion before it back."""

import json
from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer

from features.home import open_home
from features.store.store import open_store
from models.artifacts.registry import ModelVersion
from models.lifecycle.promotion import promote, rollback
from training.cli.options import AsJson, actor_name
from training.settings import TrainingSettings

Reason = Annotated[str, typer.Option("--reason", help="why, for the log")]


def promote_command(
    target: str,
    version: Annotated[str | None, typer.Option("--version", help="default: the newest")] = None,
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Make a registered version the champion; running servers follow within seconds."""
    _move(partial(promote, target, version), reason, as_json)


def rollback_command(target: str, reason: Reason = "", as_json: AsJson = False) -> None:
    """Bring back the champion before the present one."""
    _move(partial(rollback, target), reason, as_json)


def _move(move: Callable[..., ModelVersion], reason: str, as_json: bool) -> None:
    settings = TrainingSettings()
    home, tenant = open_home(settings), settings.tenant
    with open_store(settings.database_url or home.database_url, tenant) as store:
        now = move(home=home, tenant=tenant, store=store, actor=actor_name(), reason=reason)
    if as_json:
        typer.echo(json.dumps({"target": now.target, "version": now.version}))
    else:
        typer.echo(f"{now.target}: version {now.version} is champion")
