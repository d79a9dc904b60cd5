"""The findings of one check of a monitoring report, and of several checks combined."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from features.domain.monitoring import Alarm, Measure, Proposal

RETRAIN = "precedent retrain --from-store"


@dataclass(frozen=True, slots=True)
class Findings:
    """Measures to read, alarms to act on, and proposals of classes to add, retire or rename.

    A check raises alarms only if it limits the rate of false alarms in a year.
    """

    measures: tuple[Measure, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    proposals: tuple[Proposal, ...] = ()


def combine(findings: Iterable[Findings]) -> Findings:
    """Return the findings of several checks as one object, in the order of the checks."""
    checks = tuple(findings)
    return Findings(
        measures=tuple(chain.from_iterable(check.measures for check in checks)),
        alarms=tuple(chain.from_iterable(check.alarms for check in checks)),
        proposals=tuple(chain.from_iterable(check.proposals for check in checks)),
    )
