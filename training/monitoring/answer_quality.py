"""Quality of a champion's answers: calibration, accuracy, autonomy, acceptance, latency."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from shlex import quote

import numpy as np

from features.domain.feedback import FeedbackAction, FeedbackRecord
from features.domain.monitoring import Alarm, Measure
from features.domain.predictions import PredictionSummary
from models.base.model_card import Card
from models.base.predictions import Decision
from training.evaluation.bootstrap import mean_by_day
from training.monitoring.findings import RETRAIN, Findings
from training.monitoring.overconfidence import find_overconfidence

_FOR_ERRORS = 0.005
_FEWEST_JUDGED = 10
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class AnsweredIncidents:
    """A champion's answers, oldest first: each incident's first, and what is right if known.

    `truths` are of final states and of audited answers, by incident; what feedback alone says is
    left out, for people correct what is wrong and leave what is right.
    """

    target: str
    answers: tuple[PredictionSummary, ...]
    truths: Mapping[str, str]

    @property
    def known(self) -> tuple[PredictionSummary, ...]:
        """The answers whose truth is known."""
        return tuple(answer for answer in self.answers if answer.incident_id in self.truths)

    def is_wrong(self, answer: PredictionSummary) -> bool:
        """Whether an answer differs from its truth, which must be known."""
        return self.truths[answer.incident_id] != answer.label


def first_answers(
    answers: Sequence[PredictionSummary], version: str
) -> tuple[PredictionSummary, ...]:
    """Return a version's first answer about each incident, oldest first."""
    first: dict[str, PredictionSummary] = {}
    for answer in answers:
        if answer.version == version:
            first.setdefault(answer.incident_id, answer)
    return tuple(first.values())


def measure_answers(
    judged: AnsweredIncidents, card: Card, feedback: Sequence[FeedbackRecord], targets: int
) -> Findings:
    """Measure calibration, accuracy, abstention, acceptance, latency; alarm at overconfidence."""
    measures = [
        *_rates(judged),
        *_calibration(judged, card),
        *_acceptance(judged, feedback),
        *_latency(judged),
    ]
    return Findings(tuple(measures), _overconfidence_alarms(judged, _FOR_ERRORS / targets))


def _rates(judged: AnsweredIncidents) -> list[Measure]:
    if not judged.answers:
        return []
    decisions = {"abstained": Decision.ABSTAIN, "auto": Decision.AUTO}
    return [
        _measure(
            f"answers {name}",
            judged,
            [float(one.decision == decision) for one in judged.answers],
            judged.answers,
            None,
        )
        for name, decision in decisions.items()
    ]


def _calibration(judged: AnsweredIncidents, card: Card) -> list[Measure]:
    known = judged.known
    if len(known) < _FEWEST_JUDGED:
        return []
    right = [float(not judged.is_wrong(one)) for one in known]
    excess = [one.confidence - was for one, was in zip(known, right, strict=True)]
    reference = next((one.value for one in card.metrics if one.name == "accuracy"), None)
    return [
        _measure("accuracy", judged, right, known, reference),
        _measure("confidence above accuracy", judged, excess, known, 0.0),
    ]


def _acceptance(judged: AnsweredIncidents, feedback: Sequence[FeedbackRecord]) -> list[Measure]:
    given = {one.prediction_id for one in judged.answers}
    said = [
        one
        for one in feedback
        if one.target == judged.target and one.prediction_id in given and one.subject is None
    ]
    if not said:
        return []
    accepted = [float(one.action is FeedbackAction.ACCEPT) for one in said]
    found = mean_by_day(accepted, [one.given_at for one in said])
    return [Measure("feedback accepted", *found.triple, None, judged.target, n=len(said))]


def _latency(judged: AnsweredIncidents) -> list[Measure]:
    seconds = [one.seconds for one in judged.answers if one.seconds is not None]
    if not seconds:
        return []
    quantiles = {"median": 0.5, "95%": 0.95}
    return [
        Measure(
            f"seconds to answer, {name}",
            float(np.quantile(seconds, share)),
            None,
            None,
            None,
            judged.target,
            n=len(seconds),
        )
        for name, share in quantiles.items()
    ]


def _measure(
    name: str,
    judged: AnsweredIncidents,
    values: Sequence[float],
    answers: Sequence[PredictionSummary],
    reference: float | None,
) -> Measure:
    found = mean_by_day(values, [one.answered_at for one in answers])
    return Measure(name, *found.triple, reference, judged.target, n=len(values))


def _overconfidence_alarms(judged: AnsweredIncidents, error: float) -> tuple[Alarm, ...]:
    known = judged.known
    wrong = np.array([judged.is_wrong(one) for one in known], dtype=np.bool_)
    confidence = np.array([one.confidence for one in known])
    found = find_overconfidence(confidence, wrong, error=error) if len(known) else None
    if found is None:
        return ()
    late = known[found.since :]
    missed = [one for one in late if judged.is_wrong(one)]
    since = known[found.since].answered_at
    expected = sum(1 - one.confidence for one in late)
    return (
        Alarm(
            signal="errors",
            statement=(
                f"answers of {judged.target} are wrong more often than they say: {len(missed)} of "
                f"{len(late)} since {since:%Y-%m-%d}, {expected:.0f} expected"
            ),
            advice=(
                f"lower {judged.target} to recommend (precedent mode recommend --target "
                f"{quote(judged.target)}), read the examples, then train anew: {RETRAIN}"
            ),
            since=since,
            examples=tuple(one.incident_id for one in missed[-_EXAMPLES:]),
            target=judged.target,
        ),
    )
