"""What `auto` would have done: learns from all but a history's last days, and answers these."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from features.domain.history import History
from features.domain.report import ResolvedIncident
from features.errors import NotEnoughHistory, PrecedentError
from features.formatting import cut_short, one_line
from models.base.predictions import Certificate, Decision, LabelPrediction
from models.base.target_labels import label_of
from models.classification.calibrated_model import CalibratedModel
from models.classification.cross_validation import Rows, one_of_each, report_copy_groups
from training.dataset.split import Split, is_dated, known_at, split_history
from training.dataset.targets import Target
from training.evaluation.binomial_intervals import lower_bound, upper_bound
from training.pipeline.fit import encode_history, fit_and_judge, prove, why_auto_is_withheld
from training.pipeline.train import (
    choose_targets,
    learn_targets,
    require_trained,
)
from training.plan import Progress, TrainingPlan

_CHUNK = 500
_TITLE_CHARACTERS = 60
_TOKENS = 4


@dataclass(frozen=True, slots=True)
class AutoAnswer:
    """One answer that `auto` would have given, and the label that the incident got.

    `because` names the strongest tokens and facts that spoke for the answer.
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
    """How often answers were right, with the 95% Clopper-Pearson interval `low`..`high`.

    `answers` and `right` count incidents. `precision` counts, as certificates do, one incident of
    each of the `groups` of near-copies.
    """

    answers: int
    right: int
    groups: int
    precision: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class AutoLabel:
    """What became of one label's certificate; `share` is its part of all incidents asked."""

    label: str
    certificate: Certificate
    share: float
    measured: AutoPrecision


@dataclass(frozen=True, slots=True)
class BacktestedTarget:
    """One target: the labels that `auto` would have answered, and each answer, wrong ones first.

    `learned_from` counts the labelled incidents of the past, `asked` those of the last days.
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
    """What a backtest found; it learned only what was known at `cut`."""

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
    """Return the days of a period such as `90d`.

    >>> parse_days("90d")
    90
    """
    found = re.fullmatch(r"([1-9][0-9]{0,4})d", period.strip())
    if found is None:
        raise PrecedentError(f"--backtest {period[:20]!r}: give a number of days such as 90d")
    return int(found[1])


def backtest(history: History, plan: TrainingPlan, days: int, progress: Progress) -> BacktestReport:
    """Fit and certify on what was known before the last days, and answer their incidents.

    A label counts as known once its incident was resolved, or when it opened if that time is not
    recorded. A certificate that would be withheld is tried out all the same, with a warning.
    Raises `NotEnoughHistory` without usable times, or without a past before the last days.
    """
    cut = _cut(history, days)
    past, recent = _known_before(history, cut), _opened_since(history.incidents, cut)
    chosen, skipped = choose_targets(past, plan.targets)
    encode_history(history, plan, progress)
    split = split_history(past, seed=plan.seed)

    def replay(target: Target) -> BacktestedTarget:
        asked = [one for one in recent if label_of(one.outcome, target.name) is not None]
        if not asked:
            raise NotEnoughHistory(f"no incident of the last {days} days has such a label")
        return _answer(_fitted(past, target, split, plan), target, asked, progress)

    tested, unfit = learn_targets(chosen, plan.targets, replay, progress)
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
            *([f"{withheld}; this is what it would do"] if withheld else []),
        ),
    )


def measure_precision(right: Sequence[bool], copies: Sequence[int]) -> AutoPrecision:
    """Return how often answers were right, near-copies counted once in the precision.

    >>> measure_precision([True, True, False, True], [0, 0, 1, 2]).groups
    3
    """
    drawn = np.array(right, dtype=bool)[one_of_each(np.array(copies, dtype=np.int64))]
    hits, groups = int(drawn.sum()), len(drawn)
    return AutoPrecision(
        answers=len(right),
        right=sum(right),
        groups=groups,
        precision=hits / groups if groups else None,
        low=float(lower_bound(hits, groups, 0.025)),
        high=float(upper_bound(hits, groups, 0.025)),
    )


def _cut(history: History, days: int) -> datetime:
    opened = [one.report.opened_at for one in history.incidents if one.report.opened_at]
    if not is_dated(history.incidents):
        raise NotEnoughHistory(
            "--backtest needs the times at which incidents opened; map opened_at"
        )
    first, last = min(opened), max(opened)
    if (last - first).days <= days:
        raise NotEnoughHistory(
            f"--backtest {days}d: the history spans {(last - first).days} days only; "
            "give fewer, so that there is a past to learn from"
        )
    return last - timedelta(days=days)


def _known_before(history: History, cut: datetime) -> History:
    rows = [row for row, one in enumerate(history.incidents) if _is_known(one, cut)]
    return replace(
        history,
        incidents=tuple(history.incidents[row] for row in rows),
        groups=tuple(history.groups[row] for row in rows) if history.groups else (),
    )


def _is_known(incident: ResolvedIncident, cut: datetime) -> bool:
    opened, known = incident.report.opened_at, known_at(incident)
    return opened is not None and known is not None and max(opened, known) < cut


def _opened_since(incidents: Sequence[ResolvedIncident], cut: datetime) -> list[ResolvedIncident]:
    return [one for one in incidents if one.report.opened_at and one.report.opened_at >= cut]


def _fitted(past: History, target: Target, split: Split, plan: TrainingPlan) -> CalibratedModel:
    model, evaluation = fit_and_judge(past, target, split, plan)
    model.certify(prove(model, evaluation, split, plan))
    return model


def _answer(
    model: CalibratedModel, target: Target, asked: Sequence[ResolvedIncident], progress: Progress
) -> BacktestedTarget:
    answers: list[tuple[int, AutoAnswer]] = []
    for start in range(0, len(asked), _CHUNK):
        chunk = asked[start : start + _CHUNK]
        predictions = model.predict([one.report for one in chunk])
        for place, (one, found) in enumerate(zip(chunk, predictions, strict=True), start):
            if found.decision is Decision.AUTO and found.certificate is not None:
                truth = str(label_of(one.outcome, target.name))
                answers.append((place, _auto_answer(one, truth, found, found.certificate)))
        progress(f"answering {target.name}", min(start + _CHUNK, len(asked)), len(asked))
    copies = report_copy_groups([one.report for one in asked])
    labels = [
        _auto_label(label, certificate, answers, copies)
        for label, certificate in model.certification_.certificates.items()
    ]
    return BacktestedTarget(
        target=target.name,
        learned_from=len(model.example_ids_),
        asked=len(asked),
        share=len(answers) / len(asked),
        total=_measured(answers, copies),
        labels=tuple(sorted(labels, key=lambda one: (-one.share, one.label))),
        answers=tuple(sorted((one for _, one in answers), key=_wrong_and_sure_first)),
    )


def _auto_label(
    label: str, certificate: Certificate, answers: Sequence[tuple[int, AutoAnswer]], copies: Rows
) -> AutoLabel:
    measured = _measured([one for one in answers if one[1].answered == label], copies)
    return AutoLabel(label, certificate, measured.answers / len(copies), measured)


def _measured(answers: Sequence[tuple[int, AutoAnswer]], copies: Rows) -> AutoPrecision:
    return measure_precision([one.right for _, one in answers], [copies[row] for row, _ in answers])


def _auto_answer(
    incident: ResolvedIncident, truth: str, found: LabelPrediction, certificate: Certificate
) -> AutoAnswer:
    report = incident.report
    spoken_for = [(one.weight, one.token) for one in found.evidence.tokens]
    spoken_for += [(one.weight, f"{one.field}={one.value}") for one in found.evidence.fields]
    strongest = sorted((one for one in spoken_for if one[0] > 0), key=lambda one: -one[0])
    return AutoAnswer(
        id=report.id,
        title=cut_short(one_line(report.title or report.description), _TITLE_CHARACTERS),
        answered=found.label,
        truth=truth,
        right=found.label == truth,
        confidence=round(found.confidence, 4),
        threshold=certificate.threshold,
        because=tuple(name for _, name in strongest[:_TOKENS]),
    )


def _wrong_and_sure_first(answer: AutoAnswer) -> tuple[bool, float, str]:
    return answer.right, -answer.confidence, answer.id
