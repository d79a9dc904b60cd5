"""What one part of a look found; parts add up."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from features.domain.monitoring import Alarm, Measure, Proposal


@dataclass(frozen=True, slots=True)
class Findings:
    """Measures to read, alarms to act on, and classes to add or retire.

    Only what is controlled over a whole year raises an alarm; the measures beside are to be read.
    """

    measures: tuple[Measure, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    proposals: tuple[Proposal, ...] = ()


def add_up(parts: Iterable[Findings]) -> Findings:
    """Return all that the parts found, in their order."""
    found = tuple(parts)
    return Findings(
        measures=tuple(chain.from_iterable(part.measures for part in found)),
        alarms=tuple(chain.from_iterable(part.alarms for part in found)),
        proposals=tuple(chain.from_iterable(part.proposals for part in found)),
    )
