"""A monitoring report on the models in production: measures, alarms and proposals."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from features.formatting import counted, figure


@dataclass(frozen=True, slots=True)
class Measure:
    """A measured value with its interval; `reference` is the value when the model was trained.

    `n` is the number of observations, None if it is not reported.
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
        """Return the measure in words; an interval whose bounds are equal is left out.

        >>> Measure("accuracy", 0.912, 0.85, 0.95, 0.9, label="VPN", n=1460).describe()
        "accuracy of 'VPN' 0.912 [0.85, 0.95] on 1,460 (reference 0.9)"
        >>> Measure("agrees", 1.0, 1.0, 1.0, None).describe()
        'agrees 1'
        """
        label = "" if self.label is None else f" of {self.label!r}"
        return f"{self.name}{label} {figure(self.value)}{self._bounds()}{self._basis()}"

    def _bounds(self) -> str:
        if self.low is None or self.high is None or self.low == self.high:
            return ""
        return f" [{figure(self.low)}, {figure(self.high)}]"

    def _basis(self) -> str:
        count = "" if self.n is None else f" on {self.n:,}"
        return count if self.reference is None else f"{count} (reference {figure(self.reference)})"


@dataclass(frozen=True, slots=True)
class Alarm:
    """A change in production: what changed, since when, what to do, and ids of examples."""

    signal: str
    statement: str
    advice: str
    since: datetime | None
    examples: tuple[str, ...]
    target: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal to add a class, to retire one, or to read one as another that replaced it.

    A new class is named after what its `count` incidents have in common. For a class to retire,
    `count` is the number of its incidents in the monitored period. A renamed class has its new
    name, and `count` incidents with that name.
    """

    kind: Literal["new category", "retired", "renamed"]
    target: str
    name: str
    statement: str
    count: int
    since: datetime | None
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BaselineJudgement:
    """A champion's answers in the newest period, compared with one label for all incidents.

    The period began with the incident opened at `since` and holds `answers` answers whose correct
    label is known. `right` of them are correct. `baseline` is the label that was the most frequent
    before the period; it would have been correct `baseline_right` times. `p_value` is the
    probability of at least such a lead of the baseline if neither were better, times the number
    of periods that were tried. `is_worse` says that this is beyond noise. `is_restored` says that
    the champion is not worse, and at least as often right as the baseline, in each period tried.
    """

    target: str
    version: str
    baseline: str
    since: datetime
    answers: int
    right: int
    baseline_right: int
    p_value: float
    is_worse: bool
    is_restored: bool

    def describe(self) -> str:
        """Return the comparison in words.

        >>> at = datetime(2026, 3, 1)
        >>> BaselineJudgement("severity", "3", "low", at, 40, 5, 22, 1e-4, True, False).describe()
        "of the newest 40 answers with a known outcome, since 2026-03-01, 5 were right; \
always answering 'low' would have been right 22 times"
        """
        return (
            f"of the newest {counted(self.answers, 'answer')} with a known outcome, since "
            f"{self.since:%Y-%m-%d}, {self.right} were right; always answering {self.baseline!r} "
            f"would have been right {self.baseline_right} times"
        )


@dataclass(frozen=True, slots=True)
class MonitoringReport:
    """The result of one monitoring run; `at` is aware UTC."""

    at: datetime
    measures: tuple[Measure, ...]
    alarms: tuple[Alarm, ...]
    proposals: tuple[Proposal, ...]
    judgements: tuple[BaselineJudgement, ...] = ()

    @property
    def verdict(self) -> str:
        """The report in one phrase: how many alarms there are."""
        count = len(self.alarms)
        if not count:
            return "nothing is out of line"
        return counted(count, "alarm")

    def without_incident(self, incident_id: str) -> "MonitoringReport":
        """Return the report with an incident removed from all examples."""
        return replace(
            self,
            alarms=tuple(
                replace(alarm, examples=_other_examples(alarm.examples, incident_id))
                for alarm in self.alarms
            ),
            proposals=tuple(
                replace(proposal, examples=_other_examples(proposal.examples, incident_id))
                for proposal in self.proposals
            ),
        )


def _other_examples(examples: Iterable[str], incident_id: str) -> tuple[str, ...]:
    return tuple(example for example in examples if example != incident_id)
