"""Judges whether a champion loses to a constant answer in the newest period."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from features.domain.monitoring import Alarm, BaselineJudgement, Measure
from models.statistics.sign_flip_test import sign_flip_p_value
from training.monitoring.findings import RETRAIN, Findings

FEWEST, MOST = 20, 200
"""The limits of a period's length, in answers whose correct label is known."""
ERROR = 0.002
"""The p-value below which a champion is worse beyond noise; see tests/benchmarks/suspensions.py."""

_SECONDS_PER_BLOCK = 3600.0


@dataclass(frozen=True, slots=True)
class LabelledIncident:
    """An incident with its correct label; `answer` is the champion's label, None if not judged."""

    opened_at: datetime
    truth: str
    answer: str | None


@dataclass(frozen=True, slots=True)
class _Period:
    """Answered incidents, and the label that was the most frequent before them."""

    incidents: Sequence[LabelledIncident]
    baseline: str

    @property
    def right(self) -> int:
        return sum(incident.answer == incident.truth for incident in self.incidents)

    @property
    def baseline_right(self) -> int:
        return sum(self.baseline == incident.truth for incident in self.incidents)

    def p_value(self) -> float:
        """Return the p-value of the baseline's lead; incidents of the same hour are one block."""
        blocks: dict[int, int] = defaultdict(int)
        for incident in self.incidents:
            lead = (self.baseline == incident.truth) - (incident.answer == incident.truth)
            blocks[int(incident.opened_at.timestamp() // _SECONDS_PER_BLOCK)] += lead
        return sign_flip_p_value(blocks.values())


def judge_newest_period(
    target: str, version: str, incidents: Sequence[LabelledIncident], *, error: float = ERROR
) -> BaselineJudgement | None:
    """Compare a champion with the label that was the most frequent before the newest period.

    `incidents` are in order of opening. Four periods at most are tried: the newest 200 answers (or
    all, if there are fewer), and the newest half, quarter and eighth of them, each with at least 20
    answers. The smallest p-value, times the number of periods, decides. The judgement is about
    that period if the champion is worse, else about the longest. None without enough answers, or
    without 20 labelled incidents before them.
    """
    periods = tuple(_periods(incidents))
    if not periods:
        return None
    p_values = [min(period.p_value() * len(periods), 1.0) for period in periods]
    is_worse = min(p_values) < error
    number = p_values.index(min(p_values)) if is_worse else 0
    period = periods[number]
    return BaselineJudgement(
        target,
        version,
        period.baseline,
        period.incidents[0].opened_at,
        len(period.incidents),
        period.right,
        period.baseline_right,
        p_values[number],
        is_worse,
        not is_worse and all(one.right >= one.baseline_right for one in periods),
    )


def describe_judgements(judgements: Sequence[BaselineJudgement]) -> Findings:
    """Return the lead of each champion over its baseline, and an alarm where it is behind."""
    measures = (
        Measure(
            "accuracy less the baseline's",
            (judgement.right - judgement.baseline_right) / judgement.answers,
            None,
            None,
            None,
            judgement.target,
            n=judgement.answers,
        )
        for judgement in judgements
    )
    alarms = (
        Alarm(
            signal="baseline",
            statement=f"version {judgement.version} of {judgement.target} is worse than always "
            f"giving one label, so it is suspended: {judgement.describe()}",
            advice=f"retrain: {RETRAIN}; it abstains until a version is promoted",
            since=judgement.since,
            examples=(),
            target=judgement.target,
        )
        for judgement in judgements
        if judgement.is_worse
    )
    return Findings(tuple(measures), tuple(alarms))


def _periods(incidents: Sequence[LabelledIncident]) -> Iterator[_Period]:
    """Yield the periods, the longest first."""
    rows = [row for row, incident in enumerate(incidents) if incident.answer is not None]
    length = min(len(rows), MOST)
    while length >= FEWEST:
        first = rows[-length]
        before = incidents[max(first - length, 0) : first]
        if len(before) >= FEWEST:
            answered = [incidents[row] for row in rows[-length:]]
            yield _Period(answered, _most_frequent(before))
        length //= 2


def _most_frequent(incidents: Sequence[LabelledIncident]) -> str:
    counts = Counter(incident.truth for incident in incidents)
    return max(sorted(counts), key=lambda label: counts[label])
