"""Commands by which the owner says what may be done with answers, and sees what holds."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer
from pydantic_core import to_json
from rich.console import Console

from features.errors import ModeRefused
from features.home import HomeSettings, open_home
from features.store.operations.audit_log import AuditEvent
from features.store.operations.modes import Mode, Modes, ModeSetting
from features.store.store import IncidentStore, open_store
from models.artifacts.read_card import read_card
from models.artifacts.registry import ModelRegistry, ModelVersion
from models.classification.calibrated_model import CalibratedModel
from training.cli.options import AsJson, actor_name


@dataclass(frozen=True, slots=True)
class ModeLine:
    """What holds for a target (None: every one), or for one label of it (None: all).

    `set_at` is None for a mode that nobody set.
    """

    target: str | None
    label: str | None
    mode: Mode
    set_at: datetime | None

    def describe(self) -> str:
        """Return the line as a person reads it."""
        label = f", label {self.label!r}" if self.label is not None else ""
        return f"{self.target or 'everything'}{label}: {self.mode}"


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
    now = datetime.now(UTC)
    done = ModeLine(target, label, _parse(mode), now)
    registry, store = _open()
    with store:
        if target is None:
            _refuse_too_wide(done)
            store.reset_modes()
        else:
            champion = _champion(registry, target)
            _check_known(registry, champion, label, quiet=as_json)
            store.set_mode(ModeSetting(target, label, done.mode, now))
            _warn_of_unproven(champion, done)
        said = {"mode": str(done.mode), "label": label}
        event = AuditEvent(now, actor_name(), "mode", target, None, done.describe(), said)
        store.learning.append_event(event)
        modes = store.modes()
    if as_json:
        typer.echo(to_json(asdict(done)))
    else:
        typer.echo(f"{done.describe()}{_except(done, modes)}; running servers follow in seconds")


def modes_command(as_json: AsJson = False) -> None:
    """List what may be done with the answers of each target, and of labels that differ."""
    registry, store = _open()
    with store:
        lines = mode_lines(store.modes(), registry.champions())
    if as_json:
        typer.echo(to_json({"modes": [asdict(line) for line in lines]}))
        return
    for line in lines:
        since = f"since {line.set_at:%Y-%m-%d %H:%M} UTC" if line.set_at else "the default"
        typer.echo(f"{line.describe()} ({since})")
    if not lines:
        typer.echo("there is no champion and no mode yet; run: python -m training train")


def mode_lines(modes: Modes, champions: Collection[str]) -> list[ModeLine]:
    """Return a line for each target that has a champion or a mode, and for each label's mode."""
    wholes = {(target, None) for target in champions} | {(t, None) for t, _ in modes.settings}
    keys = sorted(wholes | modes.settings.keys(), key=lambda key: (key[0], key[1] or ""))
    found = [(target, label, modes.settings.get((target, label))) for target, label in keys]
    return [
        ModeLine(target, label, modes.of(target, label), setting.set_at if setting else None)
        for target, label, setting in found
    ]


def _open() -> tuple[ModelRegistry, IncidentStore]:
    settings = HomeSettings()
    home = open_home(settings)
    store = open_store(settings.database_url or home.database_url, settings.tenant)
    return ModelRegistry(home.tracking_uri, settings.tenant), store


def _parse(given: str) -> Mode:
    try:
        return Mode(given)
    except ValueError:
        raise ModeRefused(f"there is no mode {given!r}; there are: {', '.join(Mode)}") from None


def _refuse_too_wide(wanted: ModeLine) -> None:
    if wanted.label is not None:
        raise ModeRefused(f"name the target that label {wanted.label!r} is of with --target")
    if wanted.mode is not Mode.MONITOR:
        raise ModeRefused(
            f"{wanted.mode} is set for one target at a time; name it with --target "
            "(only monitor is for everything at once)"
        )


def _champion(registry: ModelRegistry, target: str) -> ModelVersion:
    champions = registry.champions()
    if target not in champions:
        known = ", ".join(sorted(champions)) or "none"
        raise ModeRefused(f"{target!r} has no champion; targets that have one: {known}")
    return champions[target]


def _check_known(
    registry: ModelRegistry, champion: ModelVersion, label: str | None, *, quiet: bool
) -> None:
    if label is None:
        return
    with Console(stderr=True, quiet=quiet).status("reading the champion's labels"):
        model = registry.load(champion).model
    labels = model.classes_ if isinstance(model, CalibratedModel) else []
    if label not in labels:
        known = ", ".join(labels) or "none"
        raise ModeRefused(
            f"the champion of {champion.target!r} knows no label {label!r}; it knows: {known}"
        )


def _warn_of_unproven(champion: ModelVersion, done: ModeLine) -> None:
    if done.mode is not Mode.AUTO or done.label is None:
        return
    if done.label not in read_card(champion).certificates:
        typer.echo(
            f"warning: version {champion.version} of {champion.target} has no certificate for "
            f"{done.label!r}: it will stay suggest until a version proves it",
            err=True,
        )


def _except(done: ModeLine, modes: Modes) -> str:
    if done.target is None or done.label is not None:
        return ""
    return "".join(f", except {name!r}: {of}" for name, of in modes.of_labels(done.target).items())
