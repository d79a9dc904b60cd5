"""Backtests `auto`: learns from all but the last days, and answers those days' incidents."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from features.domain.history import History
from features.domain.report import IncidentReport, ResolvedIncident
from features.errors import NotEnoughHistory, PrecedentError
from features.formatting import cut_short, one_line
from models.base.predictions import Certificate, Decision, LabelPrediction
from models.base.target_labels import label_of
from models.classification.calibrated_model import CalibratedModel
from models.classification.learning.cross_validation import Rows, one_of_each, report_copy_groups
from models.novelty.novelty_gate import restrict
from models.novelty.novelty_model import NoveltyModel
from training.dataset.split import Split, is_dated, split_history
from training.dataset.targets import Target
from training.evaluation.binomial_intervals import lower_bound, upper_bound
from training.evaluation.evaluate import Flags
from training.pipeline.fit import encode_history, fit_and_judge, prove, why_auto_is_withheld
from training.pipeline.train import (
    choose_targets,
    learn_targets,
    require_trained,
)
from training.pipeline.train_novelty import train_novelty
from training.plan import Progress, TrainingPlan

_CHUNK = 500
_TITLE_CHARACTERS = 60
_TOKENS = 4


@dataclass(frozen=True, slots=True)
class AutoAnswer:
    """An answer that `auto` would have given, and the incident's later label (`truth`).

    `because` names the tokens and facts that support the answer most.
    """

    id: str
    title: str
    answered: str
    truth: str
    right: bool
    confidence: float
    threshold: float
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AutoPrecision:
    """The precision of answers, with its 95% Clopper-Pearson interval `low`..`high`.

    `answers` counts all answers, and `right` the correct answers. As in certificates, `precision`
    and its interval count one answer of each of the `groups` of near-copies. Without answers
    `precision` is None.
    """

    answers: int
    right: int
    groups: int
    precision: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class AutoLabel:
    """The measured precision of a certified label, and the `share` of incidents that it answers."""

    label: str
    certificate: Certificate
    share: float
    measured: AutoPrecision


@dataclass(frozen=True, slots=True)
class BacktestedTarget:
    """The result for one target: its certified labels, and all `auto` answers, wrong ones first.

    `learned_from` counts the labelled incidents before the last days, `asked` those of the last
    days. `share` is the share of the `asked` incidents that `auto` answers.
    """

    target: str
    learned_from: int
    asked: int
    share: float
    total: AutoPrecision
    labels: tuple[AutoLabel, ...]
    answers: tuple[AutoAnswer, ...]


@dataclass(frozen=True, slots=True)
class BacktestReport:
    """The result of a backtest, whose models learned only from what was known at `cut`.

    `past` counts the incidents that were known at `cut`, `recent` those that opened since.
    """

    days: int
    cut: datetime
    past: int
    recent: int
    split: str
    scope: str
    targets: tuple[BacktestedTarget, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def parse_days(period: str) -> int:
    """Return the number of days of a period such as `90d`.

    >>> parse_days("90d")
    90
    """
    match = re.fullmatch(r"([1-9][0-9]{0,4})d", period.strip())
    if match is None:
        raise PrecedentError(f"--backtest {period[:20]!r}: give a number of days such as 90d")
    return int(match[1])


def backtest(history: History, plan: TrainingPlan, days: int, progress: Progress) -> BacktestReport:
    """Fit and certify on what was known before the last days, and answer the last days' incidents.

    A label is known once its incident is resolved, or once the incident opens if there is no time
    of resolution. Certificates that a training would withhold are used here, with a warning. Raises
    `NotEnoughHistory` without usable times, without incidents before the last days, or if a
    requested target or all targets have too few labels.
    """
    cut = _cut(history, days)
    past, recent = _known_before(history, cut), _opened_since(history.incidents, cut)
    trainable, skipped = choose_targets(past, plan.targets)
    encode_history(history, plan, progress)
    split = split_history(past, seed=plan.seed)
    novelty = train_novelty(past, split, plan, progress)

    def replay(target: Target) -> BacktestedTarget:
        incidents = [
            incident for incident in recent if label_of(incident.outcome, target.name) is not None
        ]
        if not incidents:
            raise NotEnoughHistory(f"no incident of the last {days} days has such a label")
        model = _fit_certified(past, target, split, plan, novelty.allows_auto)
        return _answer(model, novelty.model, target, incidents, progress)

    tested, unfit = learn_targets(trainable, plan.targets, replay, progress)
    require_trained(tested, skipped | unfit)
    withheld = why_auto_is_withheld(history)
    return BacktestReport(
        days=days,
        cut=cut,
        past=len(past.incidents),
        recent=len(recent),
        split=split.description,
        scope=split.scope,
        targets=tested,
        skipped=skipped | unfit,
        warnings=(
            *split.warnings,
            *([f"{withheld}; the backtest assumes that it is confirmed"] if withheld else []),
        ),
    )


def measure_precision(right: Sequence[bool], copies: Sequence[int]) -> AutoPrecision:
    """Return the precision of answers; each group of near-copies counts once.

    >>> measure_precision([True, True, False, True], [0, 0, 1, 2]).groups
    3
    """
    sample = np.array(right, dtype=bool)[one_of_each(np.array(copies, dtype=np.int64))]
    hits, groups = int(sample.sum()), len(sample)
    return AutoPrecision(
        answers=len(right),
        right=sum(right),
        groups=groups,
        precision=hits / groups if groups else None,
        low=float(lower_bound(hits, groups, 0.025)),
        high=float(upper_bound(hits, groups, 0.025)),
    )


def _cut(history: History, days: int) -> datetime:
    opening_times = [
        incident.report.opened_at for incident in history.incidents if incident.report.opened_at
    ]
    if not is_dated(history.incidents):
        raise NotEnoughHistory(
            "--backtest needs the times at which incidents opened; map opened_at"
        )
    first, last = min(opening_times), max(opening_times)
    if (last - first).days <= days:
        raise NotEnoughHistory(
            f"--backtest {days}d: the history spans only {(last - first).days} days; "
            "give fewer days, so that earlier incidents remain to learn from"
        )
    return last - timedelta(days=days)


def _known_before(history: History, cut: datetime) -> History:
    rows = [row for row, incident in enumerate(history.incidents) if _is_known(incident, cut)]
    return replace(
        history,
        incidents=tuple(history.incidents[row] for row in rows),
        groups=tuple(history.groups[row] for row in rows) if history.groups else (),
    )


def _is_known(incident: ResolvedIncident, cut: datetime) -> bool:
    opened_at, labels_known_at = incident.report.opened_at, incident.labels_known_at
    if opened_at is None or labels_known_at is None:
        return False
    return max(opened_at, labels_known_at) < cut


def _opened_since(incidents: Sequence[ResolvedIncident], cut: datetime) -> list[ResolvedIncident]:
    return [
        incident
        for incident in incidents
        if incident.report.opened_at and incident.report.opened_at >= cut
    ]


def _fit_certified(
    past: History, target: Target, split: Split, plan: TrainingPlan, allows_auto: Flags | None
) -> CalibratedModel:
    model, evaluation = fit_and_judge(past, target, split, plan, allows_auto=allows_auto)
    model.certify(prove(model, evaluation, split, plan))
    return model


def _predict(
    model: CalibratedModel,
    novelty: NoveltyModel | None,
    target: Target,
    reports: Sequence[IncidentReport],
) -> list[LabelPrediction]:
    """Predict like the server, which restricts answers about unusual reports."""
    predictions = model.predict(reports)
    if novelty is None:
        return predictions
    return [
        restrict(target.name, prediction, judgement)
        for prediction, judgement in zip(predictions, novelty.predict(reports), strict=True)
    ]


def _answer(
    model: CalibratedModel,
    novelty: NoveltyModel | None,
    target: Target,
    incidents: Sequence[ResolvedIncident],
    progress: Progress,
) -> BacktestedTarget:
    answers: list[tuple[int, AutoAnswer]] = []
    for start in range(0, len(incidents), _CHUNK):
        chunk = incidents[start : start + _CHUNK]
        predictions = _predict(model, novelty, target, [incident.report for incident in chunk])
        rows = range(start, start + len(chunk))
        for row, incident, prediction in zip(rows, chunk, predictions, strict=True):
            if prediction.decision is Decision.AUTO and prediction.certificate is not None:
                truth = str(label_of(incident.outcome, target.name))
                answer = _auto_answer(incident, truth, prediction, prediction.certificate)
                answers.append((row, answer))
        progress(f"answering {target.name}", min(start + _CHUNK, len(incidents)), len(incidents))
    copies = report_copy_groups([incident.report for incident in incidents])
    labels = [
        _auto_label(label, certificate, answers, copies)
        for label, certificate in model.certification_.certificates.items()
    ]
    return BacktestedTarget(
        target=target.name,
        learned_from=len(model.example_ids_),
        asked=len(incidents),
        share=len(answers) / len(incidents),
        total=_measure_answers(answers, copies),
        labels=tuple(sorted(labels, key=lambda label: (-label.share, label.label))),
        answers=tuple(sorted((answer for _, answer in answers), key=_wrong_and_confident_first)),
    )


def _auto_label(
    label: str, certificate: Certificate, answers: Sequence[tuple[int, AutoAnswer]], copies: Rows
) -> AutoLabel:
    label_answers = [(row, answer) for row, answer in answers if answer.answered == label]
    measured = _measure_answers(label_answers, copies)
    return AutoLabel(label, certificate, measured.answers / len(copies), measured)


def _measure_answers(answers: Sequence[tuple[int, AutoAnswer]], copies: Rows) -> AutoPrecision:
    is_right = [answer.right for _, answer in answers]
    return measure_precision(is_right, [copies[row] for row, _ in answers])


def _auto_answer(
    incident: ResolvedIncident, truth: str, prediction: LabelPrediction, certificate: Certificate
) -> AutoAnswer:
    report, evidence = incident.report, prediction.evidence
    weights = [(token.weight, token.token) for token in evidence.tokens]
    weights += [(fact.weight, f"{fact.field}={fact.value}") for fact in evidence.fields]
    strongest = sorted(((weight, name) for weight, name in weights if weight > 0), key=_by_weight)
    return AutoAnswer(
        id=report.id,
        title=cut_short(one_line(report.title or report.description), _TITLE_CHARACTERS),
        answered=prediction.label,
        truth=truth,
        right=prediction.label == truth,
        confidence=round(prediction.confidence, 4),
        threshold=certificate.threshold,
        because=tuple(name for _, name in strongest[:_TOKENS]),
    )


def _by_weight(weighted_name: tuple[float, str]) -> float:
    return -weighted_name[0]


def _wrong_and_confident_first(answer: AutoAnswer) -> tuple[bool, float, str]:
    return answer.right, -answer.confidence, answer.id
