"""Sets and lists modes, by which the owner allows what may be done with answers."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from features.domain.audit_event import AuditEvent
from features.domain.modes import Mode, Modes, ModeSetting
from features.errors import ModeRefused
from features.store.store import Store
from models.artifacts.read_card import read_card
from models.artifacts.registry import ModelRegistry, ModelVersion


@dataclass(frozen=True, slots=True)
class ModeLine:
    """The mode of a target (None: every target), or of one of its labels (None: all labels).

    `set_at` is None if nobody has set the mode.
    """

    target: str | None
    label: str | None
    mode: Mode
    set_at: datetime | None

    def describe(self) -> str:
        """Return the mode in words.

        >>> ModeLine("category", "VPN", Mode.AUTO, None).describe()
        "category, label 'VPN': auto"
        """
        label = f", label {self.label!r}" if self.label is not None else ""
        return f"{self.target or 'everything'}{label}: {self.mode}"


def parse_mode(text: str) -> Mode:
    """Return the mode with this name; raises `ModeRefused` if there is none."""
    try:
        return Mode(text)
    except ValueError:
        raise ModeRefused(f"there is no mode {text!r}; there are: {', '.join(Mode)}") from None


def set_mode(
    target: str | None,
    label: str | None,
    mode: Mode,
    *,
    store: Store,
    registry: ModelRegistry,
    actor: str,
    now: datetime,
) -> ModeLine:
    """Set a mode, and record who set it in the audit log; servers apply it within seconds.

    Without a target, all targets and labels return to monitor; no other mode is possible. Setting a
    target's mode also lowers the modes of its labels that allow more. Raises `ModeRefused`,
    `RegistryUnavailable` and `StoreUnavailable`.
    """
    line = ModeLine(target, label, mode, now)
    if target is None:
        _refuse_too_wide(line)
        store.modes.reset()
    else:
        _check_target(registry, target)
        if label is not None:
            _check_label(registry, target, label)
        store.modes.set(ModeSetting(target, label, mode, now))
    details = {"mode": str(mode), "label": label}
    store.audit_log.append(AuditEvent(now, actor, "mode", target, None, line.describe(), details))
    return line


def unproven_version(line: ModeLine, registry: ModelRegistry) -> ModelVersion | None:
    """Return the champion if it has no certificate for a label that is set to `auto`, else None."""
    if line.target is None or line.label is None or line.mode is not Mode.AUTO:
        return None
    champion = _champion(registry, line.target)
    return None if line.label in read_card(champion).certificates else champion


def mode_lines(modes: Modes, champions: Collection[str]) -> list[ModeLine]:
    """Return a line for each target that has a champion or a mode, and for each label's mode."""
    targets = set(champions) | {target for target, _ in modes.settings}
    target_keys = {(target, None) for target in targets}
    keys = sorted(target_keys | modes.settings.keys(), key=lambda key: (key[0], key[1] or ""))
    settings = [(target, label, modes.settings.get((target, label))) for target, label in keys]
    return [
        ModeLine(target, label, modes.of(target, label), setting.set_at if setting else None)
        for target, label, setting in settings
    ]


def _refuse_too_wide(line: ModeLine) -> None:
    if line.label is not None:
        raise ModeRefused(f"name the target of label {line.label!r} with --target")
    if line.mode is not Mode.MONITOR:
        raise ModeRefused(
            f"{line.mode} is set for one target at a time; name it with --target "
            "(only monitor is for everything at once)"
        )


def _champion(registry: ModelRegistry, target: str) -> ModelVersion:
    _check_target(registry, target)
    return registry.champions()[target]


def _check_target(registry: ModelRegistry, target: str) -> None:
    targets = registry.champion_numbers()
    if target not in targets:
        names = ", ".join(sorted(targets)) or "none"
        raise ModeRefused(f"{target!r} has no champion; targets with a champion: {names}")


def _check_label(registry: ModelRegistry, target: str, label: str) -> None:
    model = registry.load(_champion(registry, target)).model
    # The models of similar incidents and of runbooks have no labels.
    labels = getattr(model, "classes_", ())
    if label not in labels:
        names = ", ".join(labels) or "none"
        raise ModeRefused(f"the champion of {target!r} knows no label {label!r}; it knows: {names}")
