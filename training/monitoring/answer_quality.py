"""Measures a champion's answers: decisions, accuracy, calibration, acceptance and latency."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
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

_ERROR_RATE = 0.005
_MIN_KNOWN = 10
_MAX_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class AnsweredIncidents:
    """A champion's first answer to each incident, oldest first, and the correct labels if known.

    `truths` are the correct labels by incident id, from final states and audited answers. Labels
    from feedback alone are left out: people correct wrong answers and often ignore correct ones.
    `opened_at` says when each incident was opened, by id.
    """

    target: str
    answers: tuple[PredictionSummary, ...]
    truths: Mapping[str, str]
    opened_at: Mapping[str, datetime]

    @property
    def known_answers(self) -> tuple[PredictionSummary, ...]:
        """The answers to incidents whose correct label is known."""
        return tuple(answer for answer in self.answers if answer.incident_id in self.truths)

    def is_wrong(self, answer: PredictionSummary) -> bool:
        """Return whether an answer differs from the correct label, which must be known."""
        return self.truths[answer.incident_id] != answer.label


def first_answers(
    answers: Sequence[PredictionSummary], version: str
) -> tuple[PredictionSummary, ...]:
    """Return a version's first answer to each incident, oldest first."""
    first_by_incident: dict[str, PredictionSummary] = {}
    for answer in answers:
        if answer.version == version:
            first_by_incident.setdefault(answer.incident_id, answer)
    return tuple(first_by_incident.values())


def measure_answers(
    incidents: AnsweredIncidents, card: Card, feedback: Sequence[FeedbackRecord], target_count: int
) -> Findings:
    """Measure a champion's answers, and raise an alarm if they are overconfident.

    The rate of false alarms is divided by `target_count`, the number of monitored targets.
    """
    measures = [
        *_measure_decisions(incidents),
        *_measure_calibration(incidents, card),
        *_measure_acceptance(incidents, feedback),
        *_measure_latency(incidents),
    ]
    return Findings(tuple(measures), _overconfidence_alarms(incidents, _ERROR_RATE / target_count))


def _measure_decisions(incidents: AnsweredIncidents) -> list[Measure]:
    if not incidents.answers:
        return []
    decisions = {"abstained": Decision.ABSTAIN, "auto": Decision.AUTO}
    return [
        _measure(
            f"answers {name}",
            incidents,
            [float(answer.decision == decision) for answer in incidents.answers],
            incidents.answers,
            None,
        )
        for name, decision in decisions.items()
    ]


def _measure_calibration(incidents: AnsweredIncidents, card: Card) -> list[Measure]:
    answers = incidents.known_answers
    if len(answers) < _MIN_KNOWN:
        return []
    right = [float(not incidents.is_wrong(answer)) for answer in answers]
    excess = [answer.confidence - hit for answer, hit in zip(answers, right, strict=True)]
    reference = next((metric.value for metric in card.metrics if metric.name == "accuracy"), None)
    return [
        _measure("accuracy", incidents, right, answers, reference),
        _measure("confidence above accuracy", incidents, excess, answers, 0.0),
    ]


def _measure_acceptance(
    incidents: AnsweredIncidents, feedback: Sequence[FeedbackRecord]
) -> list[Measure]:
    answer_ids = {answer.prediction_id for answer in incidents.answers}
    records = [
        record
        for record in feedback
        if record.target == incidents.target
        and record.prediction_id in answer_ids
        and record.subject is None
    ]
    if not records:
        return []
    accepted = [float(record.action is FeedbackAction.ACCEPT) for record in records]
    share = mean_by_day(accepted, [record.given_at for record in records])
    return [Measure("feedback accepted", *share.triple, None, incidents.target, n=len(records))]


def _measure_latency(incidents: AnsweredIncidents) -> list[Measure]:
    seconds = [answer.seconds for answer in incidents.answers if answer.seconds is not None]
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
            incidents.target,
            n=len(seconds),
        )
        for name, share in quantiles.items()
    ]


def _measure(
    name: str,
    incidents: AnsweredIncidents,
    values: Sequence[float],
    answers: Sequence[PredictionSummary],
    reference: float | None,
) -> Measure:
    estimate = mean_by_day(values, [answer.answered_at for answer in answers])
    return Measure(name, *estimate.triple, reference, incidents.target, n=len(values))


def _overconfidence_alarms(incidents: AnsweredIncidents, error_rate: float) -> tuple[Alarm, ...]:
    answers = incidents.known_answers
    is_wrong = np.array([incidents.is_wrong(answer) for answer in answers], dtype=np.bool_)
    confidence = np.array([answer.confidence for answer in answers])
    overconfidence = (
        find_overconfidence(confidence, is_wrong, error=error_rate) if len(answers) else None
    )
    if overconfidence is None:
        return ()
    late_answers = answers[overconfidence.since :]
    wrong_answers = [answer for answer in late_answers if incidents.is_wrong(answer)]
    since = incidents.opened_at[late_answers[0].incident_id]
    expected = sum(1 - answer.confidence for answer in late_answers)
    return (
        Alarm(
            signal="errors",
            statement=(
                f"answers of {incidents.target} are wrong more often than their confidence says: "
                f"{len(wrong_answers)} of {len(late_answers)} since {since:%Y-%m-%d}, and "
                f"{expected:.0f} would be expected"
            ),
            advice=(
                f"set {incidents.target} to recommend (precedent mode recommend --target "
                f"{quote(incidents.target)}), read the examples, then retrain: {RETRAIN}"
            ),
            since=since,
            examples=tuple(answer.incident_id for answer in wrong_answers[-_MAX_EXAMPLES:]),
            target=incidents.target,
        ),
    )
