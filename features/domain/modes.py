"""Modes: what the owner allows us to do with the answers of a target or of a single label."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Mode(StrEnum):
    """What the owner allows: no answer, comparing only, showing, or acting.

    Each mode allows more than the one before it.
    """

    OFF = "off"
    MONITOR = "monitor"
    RECOMMEND = "recommend"
    AUTO = "auto"

    @property
    def above(self) -> tuple["Mode", ...]:
        """The modes that allow more than this one.

        >>> [str(mode) for mode in Mode.MONITOR.above]
        ['recommend', 'auto']
        """
        modes = tuple(Mode)
        return modes[modes.index(self) + 1 :]


DEFAULT_MODE = Mode.MONITOR
"""The mode of every target and label for which the owner has set none."""


@dataclass(frozen=True, slots=True)
class ModeSetting:
    """A mode that the owner set, for a whole target (label None) or for one of its labels."""

    target: str
    label: str | None
    mode: Mode
    set_at: datetime


@dataclass(frozen=True, slots=True)
class Modes:
    """Every mode that the owner set, by target and label; the label is None for a whole target.

    >>> from datetime import UTC
    >>> vpn = ModeSetting("category", "VPN", Mode.AUTO, datetime(2026, 3, 1, tzinfo=UTC))
    >>> modes = Modes({("category", "VPN"): vpn})
    >>> str(modes.of("category", "VPN")), str(modes.of("category", "Mail"))
    ('auto', 'monitor')
    """

    settings: Mapping[tuple[str, str | None], ModeSetting] = field(default_factory=dict)

    def of(self, target: str, label: str | None = None) -> Mode:
        """Return the mode of a target, or of one of its labels if `label` is given.

        A label's own mode overrides its target's mode. The exception is a target that is off: its
        model is not run, so all its labels are off.
        """
        target_mode = self._set_mode(target, None) or DEFAULT_MODE
        if target_mode is Mode.OFF:
            return target_mode
        return self._set_mode(target, label) or target_mode

    def of_labels(self, target: str) -> dict[str, Mode]:
        """Return the mode of each label with a setting of its own: off if the target is off."""
        return {
            label: self.of(target, label)
            for label_target, label in self.settings
            if label_target == target and label is not None
        }

    def _set_mode(self, target: str, label: str | None) -> Mode | None:
        setting = self.settings.get((target, label))
        return setting.mode if setting else None
