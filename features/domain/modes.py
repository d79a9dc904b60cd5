"""What the owner allows to be done with answers: the mode of each target and of single labels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Mode(StrEnum):
    """What the owner allows: no answer, only comparing, showing, or acting. Each allows more."""

    OFF = "off"
    MONITOR = "monitor"
    RECOMMEND = "recommend"
    AUTO = "auto"

    @property
    def above(self) -> tuple["Mode", ...]:
        """The modes that allow more.

        >>> [str(mode) for mode in Mode.MONITOR.above]
        ['recommend', 'auto']
        """
        modes = tuple(Mode)
        return modes[modes.index(self) + 1 :]


DEFAULT_MODE = Mode.MONITOR
"""The mode of whatever the owner has not spoken of."""


@dataclass(frozen=True, slots=True)
class ModeSetting:
    """A mode that the owner set, for a whole target (label None) or for one of its labels."""

    target: str
    label: str | None
    mode: Mode
    set_at: datetime


@dataclass(frozen=True, slots=True)
class Modes:
    """Every mode that is set, by target and label.

    >>> from datetime import UTC
    >>> vpn = ModeSetting("category", "VPN", Mode.AUTO, datetime(2026, 3, 1, tzinfo=UTC))
    >>> modes = Modes({("category", "VPN"): vpn})
    >>> str(modes.of("category", "VPN")), str(modes.of("category", "Mail"))
    ('auto', 'monitor')
    """

    settings: Mapping[tuple[str, str | None], ModeSetting] = field(default_factory=dict)

    def of(self, target: str, label: str | None = None) -> Mode:
        """Return the mode of a target, or of its answers with a label.

        A label's own mode counts before its target's; only a target that is off takes its labels
        along, for it is not asked at all.
        """
        whole = self._set(target, None) or DEFAULT_MODE
        return whole if whole is Mode.OFF else self._set(target, label) or whole

    def of_labels(self, target: str) -> dict[str, Mode]:
        """Return the modes of the labels that have one of their own."""
        return {
            label: self.of(target, label)
            for of_target, label in self.settings
            if of_target == target and label is not None
        }

    def _set(self, target: str, label: str | None) -> Mode | None:
        setting = self.settings.get((target, label))
        return setting.mode if setting else None
