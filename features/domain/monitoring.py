"""What a look at the models in production found: measures, alarms and proposals."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from features.formatting import counted, figure


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure with its bounds; `reference` is what it was when the model was trained.

    `n` counts what it was measured on, None where that is not told.
    """

    name: str
    value: float
    low: float | None
    high: float | None
    reference: float | None
    target: str | None = None
    label: str | None = None
    n: int | None = None

    def describe(self) -> str:
        """Return the figure in words; an interval of one point tells nothing.

        >>> Measure("accuracy", 0.912, 0.85, 0.95, 0.9, label="VPN", n=1460).describe()
        "accuracy of 'VPN' 0.912 [0.85, 0.95] on 1,460 (reference 0.9)"
        >>> Measure("agrees", 1.0, 1.0, 1.0, None).describe()
        'agrees 1'
        """
        whose = "" if self.label is None else f" of {self.label!r}"
        return f"{self.name}{whose} {figure(self.value)}{self._bounds()}{self._origin()}"

    def _bounds(self) -> str:
        if self.low is None or self.high is None or self.low == self.high:
            return ""
        return f" [{figure(self.low)}, {figure(self.high)}]"

    def _origin(self) -> str:
        on = "" if self.n is None else f" on {self.n:,}"
        return on if self.reference is None else f"{on} (reference {figure(self.reference)})"


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that changed: what, since when, with examples (incident ids), and what to do."""

    signal: str
    statement: str
    advice: str
    since: datetime | None
    examples: tuple[str, ...]
    target: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A class to add, named after what its `count` incidents share, or one to retire."""

    kind: Literal["new category", "retired"]
    target: str
    name: str
    statement: str
    count: int
    since: datetime | None
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MonitoringReport:
    """Everything that one look found, at a time in aware UTC."""

    at: datetime
    measures: tuple[Measure, ...]
    alarms: tuple[Alarm, ...]
    proposals: tuple[Proposal, ...]

    @property
    def verdict(self) -> str:
        """What to know first: whether anything is out of line."""
        count = len(self.alarms)
        if not count:
            return "nothing is out of line"
        return counted(count, "alarm")

    def without(self, incident_id: str) -> "MonitoringReport":
        """Return the same without an incident among the examples."""
        return replace(
            self,
            alarms=tuple(
                replace(alarm, examples=_but(alarm.examples, incident_id)) for alarm in self.alarms
            ),
            proposals=tuple(
                replace(proposal, examples=_but(proposal.examples, incident_id))
                for proposal in self.proposals
            ),
        )


def _but(examples: Iterable[str], incident_id: str) -> tuple[str, ...]:
    return tuple(example for example in examples if example != incident_id)
