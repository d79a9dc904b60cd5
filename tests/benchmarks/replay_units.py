"""Replays a dated history: each week or month is answered by what was known before it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from time import perf_counter
from typing import Self

import numpy as np
from figures import Floats

from features.domain.history import History
from features.domain.report import IncidentReport, ResolvedIncident
from models.base.target_labels import label_of
from models.classification.scorers.scorer import Rows
from training.evaluation.metrics import HeldOutPredictions

_LEARNED_SHARE, _LEARNED_INCIDENTS = 0.25, 100
_LEAST_PROBABILITY = 1e-9


class UnitOfTime(StrEnum):
    """The unit of time by which a history is replayed."""

    WEEK = "week"
    MONTH = "month"

    def start(self, moment: datetime) -> datetime:
        """Return the midnight at which the moment's week or month begins.

        >>> UnitOfTime.WEEK.start(datetime(2026, 3, 5, 14)).isoformat()
        '2026-03-02T00:00:00'
        """
        day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        days = day.weekday() if self is UnitOfTime.WEEK else day.day - 1
        return day - timedelta(days=days)


@dataclass(frozen=True, slots=True)
class Unit:
    """A week or month: what was known at its start, and its labelled incidents by opening time."""

    starts_at: datetime
    past: History
    asked: tuple[ResolvedIncident, ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers to reports: `picked` has the number in `labels` of the label of each answer.

    `probabilities` has shape (reports, labels).
    """

    labels: tuple[str, ...]
    probabilities: Floats
    picked: Rows

    @classmethod
    def of_likeliest(cls, labels: Sequence[str], probabilities: Floats) -> Self:
        """Answer each report by its most probable label."""
        picked = probabilities.argmax(axis=1).astype(np.int64)
        return cls(tuple(map(str, labels)), probabilities, picked)


Contender = Callable[[History, Sequence[IncidentReport]], Answers]
"""Learns from a past, and answers the reports of the unit that follows, the earliest first."""


@dataclass(frozen=True, slots=True)
class ReplayedAnswers:
    """A contender's answers to all units, in order of time.

    The blocks of `judged` are the numbers of the units, which start at `starts`. `seconds` is the
    wall time of learning and answering.
    """

    judged: HeldOutPredictions
    starts: tuple[datetime, ...]
    seconds: float


def replay(
    history: History, target: str, unit: UnitOfTime, contenders: Mapping[str, Contender]
) -> dict[str, ReplayedAnswers]:
    """Let each contender answer every unit after the first ones, which are only learned from.

    Raises `ValueError` if no unit remains to be answered.
    """
    units = list(cut_into_units(history, target, unit))
    if not units:
        raise ValueError(f"no {unit} is left to be answered: the history is too short")
    found: dict[str, list[Answers]] = {name: [] for name in contenders}
    seconds = dict.fromkeys(contenders, 0.0)
    for current in units:
        reports = [incident.report for incident in current.asked]
        for name, contender in contenders.items():
            began = perf_counter()
            found[name].append(contender(current.past, reports))
            seconds[name] += perf_counter() - began
    starts = tuple(current.starts_at for current in units)
    return {
        name: ReplayedAnswers(_judge(units, found[name], target), starts, seconds[name])
        for name in contenders
    }


def cut_into_units(history: History, target: str, unit: UnitOfTime) -> Iterator[Unit]:
    """Yield the units to be answered, each with the past that was known at its start.

    The first units are left out: those that begin before a quarter of the labelled incidents, and
    100 of them, are known.
    """
    incidents = sorted(
        (
            incident
            for incident in history.incidents
            if incident.report.opened_at and label_of(incident.outcome, target) is not None
        ),
        key=lambda incident: (incident.report.opened_at, incident.report.id),
    )
    to_learn = max(_LEARNED_SHARE * len(incidents), _LEARNED_INCIDENTS)
    by_unit = groupby(incidents, lambda incident: unit.start(incident.report.opened_at))
    for starts_at, asked in by_unit:
        past = tuple(incident for incident in incidents if _is_known(incident, starts_at))
        if len(past) >= to_learn:
            yield Unit(starts_at, replace(history, incidents=past, groups=()), tuple(asked))


def _is_known(incident: ResolvedIncident, moment: datetime) -> bool:
    return incident.report.opened_at < moment and incident.labels_known_at <= moment


def _judge(units: Sequence[Unit], found: Sequence[Answers], target: str) -> HeldOutPredictions:
    truths = [[label_of(i.outcome, target) for i in current.asked] for current in units]
    names = {label for labels in truths for label in labels}
    names |= {label for answers in found for label in answers.labels}
    numbers = {label: number for number, label in enumerate(sorted(names))}
    predicted, confidence, losses = [], [], []
    for labels, answers in zip(truths, found, strict=True):
        rows = np.arange(len(labels))
        predicted += [numbers[answers.labels[number]] for number in answers.picked]
        confidence.append(answers.probabilities[rows, answers.picked])
        losses.append(_log_loss(labels, answers))
    return HeldOutPredictions(
        labels=np.array([numbers[label] for labels in truths for label in labels]),
        predicted=np.array(predicted),
        confidence=np.concatenate(confidence),
        log_loss=np.concatenate(losses),
        blocks=np.repeat(np.arange(len(units)), [len(labels) for labels in truths]),
        classes=len(numbers),
    )


def _log_loss(truths: Sequence[str], answers: Answers) -> Floats:
    """Return each report's loss in nats; a label that was never learned counts as one in 10^9."""
    column = {label: number for number, label in enumerate(answers.labels)}
    probability = [
        row[column[label]] if label in column else 0.0
        for label, row in zip(truths, answers.probabilities, strict=True)
    ]
    return -np.log(np.maximum(probability, _LEAST_PROBABILITY))
