"""Answers reports with the current champions, and stores the answers."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from time import perf_counter
from typing import Any, Protocol, get_args
from uuid import uuid4

from pydantic import TypeAdapter

from features.domain.modes import Mode
from features.domain.opening_context import OpeningContext
from features.domain.predictions import PredictionRecord
from features.domain.report import IncidentReport
from features.encoding.encoded_reports import ReportBatch
from features.store.store import Store
from features.text.near_copy_key import near_copy_key
from models.base.demotion import demote
from models.base.predictions import Decision, Prediction
from models.classification.calibrated_predictor import CalibratedPredictor
from models.novelty.novelty_gate import TARGET as NOVELTY
from models.novelty.novelty_model import NoveltyModel
from models.resolution.resolution_predictor import TARGET as RESOLUTION
from models.resolution.resolution_predictor import ResolutionPredictor
from serving.background.champions import Champions, LoadedVersion
from serving.background.shadow_predictions import ShadowPredictor
from serving.runtime.metrics import ServingMetrics
from serving.schemas.answers import (
    Answer,
    apply_mode,
)
from serving.schemas.requests import AnswerPart
from serving.services.answer_policy import AnswerPolicy
from serving.services.audit_reveals import revealed_groups
from serving.services.audit_sampling import HELD_BACK, AuditSample
from serving.services.joint_prediction import (
    LabelPredictor,
    Predict,
    predict_together,
    restrict_unusual,
)

ALL_PARTS: tuple[AnswerPart, ...] = get_args(AnswerPart)
CONTEXT_PARTS: frozenset[AnswerPart] = frozenset({"anomalies", "changes"})
"""Parts that no model predicts: they are looked up on request, and not stored as answers."""

SHIPPED = "shipped"
"""The version that is recorded for answers of models that the program ships."""

SWITCHED_OFF = "switched off by its owner: mode off"

_WORKED_ON = "a person is already working on this incident"


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked about the reports of one request, see `TriageService.triage`."""

    parts: tuple[AnswerPart, ...]
    for_people: Collection[str]
    with_evidence: bool


@dataclass(frozen=True, slots=True)
class TriageResult:
    """The answers about one incident, by target.

    `held_back` are the answers of the audit sample: they are stored, but not shown. `audit_group`
    is then the key of the report's near-copies.
    """

    incident_id: str
    prediction_id: str
    answers: Mapping[str, Answer]
    held_back: Mapping[str, Answer] = field(default_factory=dict)
    audit_group: str | None = None

    @property
    def absent(self) -> Mapping[str, str]:
        """The reason for each target whose answer about this incident is held back."""
        return dict.fromkeys(self.held_back, HELD_BACK)

    @property
    def all_answers(self) -> Mapping[str, Answer]:
        """All answers, shown or held back."""
        return {**self.answers, **self.held_back}

    @property
    def labels(self) -> Mapping[str, str]:
        """The label of each answer, shown or held back."""
        return {target: answer.label for target, answer in self.all_answers.items()}


@dataclass(frozen=True, slots=True)
class TriageBatch:
    """The answers to one request, and the champions that gave them.

    `absent` gives the reason for each requested part or target that has no answer.
    """

    items: tuple[TriageResult, ...]
    parts: tuple[AnswerPart, ...]
    absent: Mapping[str, str]
    champions: Mapping[str, LoadedVersion]


ReadContexts = Callable[[Sequence[IncidentReport]], Sequence[OpeningContext]]
"""Returns what was known when each report opened."""


class Retriever(Protocol):
    """Finds stored incidents or runbooks for reports; it needs no trained model."""

    def why_absent(self) -> str | None:
        """Return why there is no answer, None if there is one."""

    def retrieve(self, reports: Sequence[IncidentReport]) -> Sequence[Prediction]:
        """Answer each report, in order."""


class TriageService:
    """Runs every champion and retriever once for all reports of a request."""

    def __init__(
        self,
        champions: Callable[[], Champions],
        policy: Callable[[], AnswerPolicy],
        store: Store,
        metrics: ServingMetrics,
        retrievers: Mapping[str, Retriever] | None = None,
        shadow: ShadowPredictor | None = None,
        contexts: ReadContexts | None = None,
    ) -> None:
        self._champions = champions
        self._policy = policy
        self._store = store
        self._metrics = metrics
        self._retrievers = retrievers or {}
        self._shadow = shadow
        self._contexts = contexts or _bare_contexts

    def triage(
        self,
        reports: Sequence[IncidentReport],
        *,
        include: Collection[AnswerPart] | None,
        request_id: str = "",
        for_people: Collection[str] = (),
        request_ids: Mapping[str, str] | None = None,
        keep_reports: bool = False,
        with_evidence: bool = True,
    ) -> TriageBatch:
        """Answer the reports in order, with the requested parts (None: all of them).

        A person already works on the incidents whose ids are in `for_people`, so nothing is decided
        about them without a person. Answers are stored before they are returned, under the request
        that `request_ids` names for the incident's id, by default `request_id`. With
        `keep_reports`, the reports of incidents that are not stored are kept beside the answers, to
        be shown with them. Without evidence, labels are answered without their words, facts and
        examples, which takes less time. Raises `StoreUnavailable` if the store fails.
        """
        with self._shadow.pause_for_request() if self._shadow else nullcontext():
            requests = request_ids or {report.id: request_id for report in reports}
            kept = reports if keep_reports else ()
            parts = tuple(part for part in ALL_PARTS if include is None or part in include)
            question = _Question(parts, for_people, with_evidence)
            return self._triage_reports(reports, question, requests, kept)

    def _triage_reports(
        self,
        reports: Sequence[IncidentReport],
        question: _Question,
        request_ids: Mapping[str, str],
        kept: Sequence[IncidentReport],
    ) -> TriageBatch:
        started_at = perf_counter()
        champions, policy = self._champions(), self._policy()
        batch = ReportBatch(reports)
        results = self._answer(batch, question, champions, policy)
        seconds = (perf_counter() - started_at) / max(1, len(reports))
        self._store.predictions.record(_records(results, policy, request_ids, seconds), kept)
        for result in results.items:
            for target, answer in result.all_answers.items():
                self._metrics.count_decision(target, answer.decision, answer.mode)
        if self._shadow is not None:
            self._shadow.enqueue(batch, results.items)
        return results

    def _answer(
        self,
        batch: ReportBatch,
        question: _Question,
        champions: Champions,
        policy: AnswerPolicy,
    ) -> TriageBatch:
        available, absent = self._predictors(question, champions, policy)
        switched_on = {
            target: predict
            for target, predict in available.items()
            if policy.modes.of(target) is not Mode.OFF
        }
        unrestricted, failed = predict_together(
            switched_on, batch, with_evidence=question.with_evidence
        )
        predictions = {
            target: [
                demote(prediction, Decision.SUGGEST, _WORKED_ON)
                if report.id in question.for_people
                else prediction
                for report, prediction in zip(batch, of_target, strict=True)
            ]
            for target, of_target in restrict_unusual(unrestricted, champions).items()
        }
        answering = {
            target: champions.serving[target]
            for target in predictions
            if target in champions.serving
        }
        return TriageBatch(
            _assemble(batch, predictions, answering, policy, cache(self._revealed_groups)),
            question.parts,
            absent | failed | dict.fromkeys(available.keys() - switched_on, SWITCHED_OFF),
            answering,
        )

    def _revealed_groups(self) -> frozenset[tuple[str, str]]:
        return revealed_groups(self._store)

    def _predictors(
        self, question: _Question, champions: Champions, policy: AnswerPolicy
    ) -> tuple[dict[str, Predict | LabelPredictor], dict[str, str]]:
        """Return each target's predictor, and why parts or targets have none."""
        absent = _absence_reasons(question.parts, champions)
        predictors: dict[str, Predict | LabelPredictor] = {
            target: _predictor(version, policy)
            for target, version in champions.serving.items()
            if answer_part(target) in question.parts
        }
        novelty = champions.serving.get(NOVELTY)
        if novelty is not None and isinstance(novelty.model, NoveltyModel):
            predictors[NOVELTY] = partial(novelty.model.judge, unknown_labels=policy.unknown_labels)
        resolution = champions.serving.get(RESOLUTION)
        model = None if resolution is None else resolution.model
        if RESOLUTION in predictors and isinstance(model, ResolutionPredictor):
            predictors[RESOLUTION] = partial(_forecast, model, self._contexts)
            if model.unknown_:
                absent[RESOLUTION] = "; ".join(model.unknown_.values())
        for target in sorted(self._retrievers.keys() & set(question.parts)):
            retriever = self._retrievers[target]
            reason = retriever.why_absent()
            if reason is None:
                predictors[target] = retriever.retrieve
                absent.pop(target, None)
            else:
                # A loaded champion has no index of its own, so it would answer that nothing fits.
                predictors.pop(target, None)
                absent[target] = reason
        return predictors, absent


def _forecast(
    model: ResolutionPredictor, contexts: ReadContexts, reports: Sequence[IncidentReport]
) -> Sequence[Prediction]:
    return model.forecast(contexts(reports))


def _bare_contexts(reports: Sequence[IncidentReport]) -> list[OpeningContext]:
    return [OpeningContext(report) for report in reports]


def _predictor(champion: LoadedVersion, policy: AnswerPolicy) -> Predict | LabelPredictor:
    if not isinstance(champion.model, CalibratedPredictor):
        return champion.model.predict
    rates = policy.label_rates.get((champion.version.target, champion.version.version))
    return LabelPredictor(champion.model, rates)


def answer_part(target: str) -> str:
    """Return the part of the answer that shows a target.

    >>> answer_part("fields.subcategory")
    'fields'
    """
    return "fields" if target.startswith("fields.") else target


def _assemble(
    reports: Sequence[IncidentReport],
    predictions: Mapping[str, Sequence[Prediction]],
    answering: Mapping[str, LoadedVersion],
    policy: AnswerPolicy,
    revealed: Callable[[], Collection[tuple[str, str]]],
) -> tuple[TriageResult, ...]:
    answers = {
        target: [
            _apply_policy(target, prediction, answering.get(target), policy)
            for prediction in target_predictions
        ]
        for target, target_predictions in predictions.items()
    }
    return tuple(
        _assemble_result(
            report,
            {target: target_answers[row] for target, target_answers in answers.items()},
            policy.sample,
            revealed,
        )
        for row, report in enumerate(reports)
    )


def _apply_policy(
    target: str, prediction: Prediction, champion: LoadedVersion | None, policy: AnswerPolicy
) -> Answer:
    version = _version(champion)
    suspension = policy.suspensions.get((target, version))
    if suspension is not None:
        allowed = demote(prediction, Decision.ABSTAIN, suspension.describe())
    elif (target, version, prediction.label) in policy.withdrawn:
        allowed = demote(prediction, Decision.SUGGEST)
    else:
        allowed = prediction
    return apply_mode(allowed, policy.modes.of(target, prediction.label))


def _assemble_result(
    report: IncidentReport,
    answers: Mapping[str, Answer],
    sample: AuditSample | None,
    revealed: Callable[[], Collection[tuple[str, str]]],
) -> TriageResult:
    sampled = sample.sampled_targets(report, answers) if sample else frozenset()
    group = near_copy_key(report) if sampled else None
    if group is not None:
        sampled = frozenset(target for target in sampled if (target, group) not in revealed())
    return TriageResult(
        report.id,
        str(uuid4()),
        {target: answer for target, answer in answers.items() if target not in sampled},
        {target: answer for target, answer in answers.items() if target in sampled},
        group if sampled else None,
    )


def _absence_reasons(parts: Collection[AnswerPart], champions: Champions) -> dict[str, str]:
    trained = {answer_part(target) for target in (*champions.serving, *champions.problems)}
    absent: dict[str, str] = {
        part: _why_untrained(part, champions)
        for part in parts
        if part not in trained | CONTEXT_PARTS
    }
    if NOVELTY not in champions.serving:
        absent[NOVELTY] = champions.why_untrained(NOVELTY)
    for target in champions.problems:
        refusal = champions.refusal(target)
        if refusal is not None and (target == NOVELTY or answer_part(target) in parts):
            absent[target] = refusal
    return absent


def _why_untrained(part: AnswerPart, champions: Champions) -> str:
    trained = sorted(target for target in champions.unpromoted if answer_part(target) == part)
    return "; ".join(champions.why_untrained(target) for target in trained or [part])


def _records(
    batch: TriageBatch, policy: AnswerPolicy, request_ids: Mapping[str, str], seconds: float
) -> list[PredictionRecord]:
    now = datetime.now(UTC)
    share = policy.sample.share if policy.sample else None
    return [
        PredictionRecord(
            prediction_id=result.prediction_id,
            request_id=request_ids[result.incident_id],
            incident_id=result.incident_id,
            target=target,
            model_version=_version(batch.champions.get(target)),
            label=answer.label,
            confidence=answer.confidence,
            decision=answer.decision,
            mode=answer.mode,
            answer=_ADAPTERS[type(answer)].dump_python(answer, mode="json"),
            answered_at=now,
            audit_share=share if target in result.held_back else None,
            seconds=seconds,
            audit_group=result.audit_group if target in result.held_back else None,
        )
        for result in batch.items
        for target, answer in result.all_answers.items()
    ]


def _version(champion: LoadedVersion | None) -> str:
    return SHIPPED if champion is None else champion.version.version


_ADAPTERS: Mapping[type[Answer], TypeAdapter[Any]] = {
    kind: TypeAdapter(kind) for kind in get_args(Answer)
}
