"""Answers reports with the champions of the moment, and keeps what was answered. Knows no HTTP."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, get_args
from uuid import uuid4

from pydantic import TypeAdapter

from features.encoding.encoded import ReportBatch
from features.errors import PrecedentError
from features.history.modes import Mode, Modes
from features.history.predictions import PredictionRecord
from features.history.store import IncidentStore
from features.incident.report import IncidentReport
from models.prediction import Prediction
from serving.bodies import Part
from serving.champions import Champion, Champions
from serving.metrics import ServingMetrics
from serving.modes import (
    Answer,
    ChoiceAnswer,
    RunbookAnswer,
    SeverityAnswer,
    SimilarAnswer,
    answer_under,
)

_log = logging.getLogger(__name__)

PARTS: tuple[Part, ...] = get_args(Part)
LOOKED_UP: frozenset[Part] = frozenset({"anomalies", "changes"})
"""What no model answers: it is looked up when it is asked for, and not stored as an answer."""

Ask = Callable[[Sequence[IncidentReport]], Sequence[Prediction]]

_SHIPPED = "shipped"
"""The version of what answers before any training, from constants that come with the program."""

_SWITCHED_OFF = "switched off by its owner: mode off"


@dataclass(frozen=True, slots=True)
class Triage:
    """What is answered about one incident, by target."""

    incident_id: str
    prediction_id: str
    answers: Mapping[str, Answer]


@dataclass(frozen=True, slots=True)
class Triages:
    """The answers to one request, and the champions that gave them.

    `absent` says of each part, or target, that was asked for why it has no answer.
    """

    items: tuple[Triage, ...]
    parts: tuple[Part, ...]
    absent: Mapping[str, str]
    champions: Mapping[str, Champion]


class Retriever(Protocol):
    """Finds entries of the store for reports; it may do so before any training."""

    def why_absent(self) -> str | None:
        """Return why there is no answer, None if there is one."""

    def retrieve(self, reports: Sequence[IncidentReport]) -> Sequence[Prediction]:
        """Answer each report, in order."""


class TriageService:
    """Asks each champion, and each retriever by its target, once for all reports of a request."""

    def __init__(
        self,
        champions: Callable[[], Champions],
        modes: Callable[[], Modes],
        store: IncidentStore,
        metrics: ServingMetrics,
        retrievers: Mapping[str, Retriever] | None = None,
    ) -> None:
        self._champions = champions
        self._modes = modes
        self._store = store
        self._metrics = metrics
        self._retrievers = retrievers or {}

    def triage(
        self,
        reports: Sequence[IncidentReport],
        *,
        include: Collection[Part] | None,
        request_id: str,
    ) -> Triages:
        """Answer the reports in order, with the parts asked for (None: all of them).

        Every answer is stored before it is given; raises `StoreUnavailable` when it cannot be.
        """
        champions, modes = self._champions(), self._modes()
        parts = tuple(p for p in PARTS if include is None or p in include)
        absent = _absent(parts, champions)
        wanted = {t: of.model.predict for t, of in champions.serving.items() if part_of(t) in parts}
        wanted |= self._retrieving(parts, absent)
        asked = {t: ask for t, ask in wanted.items() if modes.of(t) is not Mode.OFF}
        predictions, failed = _predict(asked, ReportBatch(reports))
        triages = Triages(
            _assemble(reports, predictions, modes),
            parts,
            absent | failed | dict.fromkeys(wanted.keys() - asked, _SWITCHED_OFF),
            {t: champions.serving[t] for t in predictions if t in champions.serving},
        )
        self._store.record_predictions(_records(triages, request_id))
        self._metrics.count_decisions(triage.answers for triage in triages.items)
        return triages

    def _retrieving(self, parts: Collection[Part], absent: dict[str, str]) -> dict[str, Ask]:
        """Return who is asked for entries of the store; `absent` then tells only of the others."""
        asked: dict[str, Ask] = {}
        for target in sorted(self._retrievers.keys() & set(parts)):
            retriever = self._retrievers[target]
            why = retriever.why_absent()
            if why is None:
                asked[target] = retriever.retrieve
                absent.pop(target, None)
            else:
                absent[target] = why
        return asked


def part_of(target: str) -> str:
    """Return the part of the answer that shows a target.

    >>> part_of("fields.subcategory")
    'fields'
    """
    return "fields" if target.startswith("fields.") else target


def _predict(
    asked: Mapping[str, Ask], reports: Sequence[IncidentReport]
) -> tuple[dict[str, Sequence[Prediction]], dict[str, str]]:
    predictions: dict[str, Sequence[Prediction]] = {}
    failed = {}
    for target, ask in asked.items():
        try:
            predictions[target] = ask(reports) if reports else []
        except PrecedentError as error:
            facts = {"target": target, "reason": str(error)}
            _log.error("a champion cannot answer", extra={"fields": facts})
            failed[target] = "cannot answer now; the log says why"
    return predictions, failed


def _assemble(
    reports: Sequence[IncidentReport],
    predictions: Mapping[str, Sequence[Prediction]],
    modes: Modes,
) -> tuple[Triage, ...]:
    answers = {
        target: [answer_under(each, modes.of(target, each.label)) for each in of_target]
        for target, of_target in predictions.items()
    }
    return tuple(
        Triage(report.id, str(uuid4()), {target: of[at] for target, of in answers.items()})
        for at, report in enumerate(reports)
    )


def _absent(parts: Collection[Part], champions: Champions) -> dict[str, str]:
    trained = {part_of(target) for target in (*champions.serving, *champions.problems)}
    absent: dict[str, str] = {
        part: f"not trained: the registry has no champion of {part}"
        for part in parts
        if part not in trained | LOOKED_UP
    }
    for target in champions.problems:
        if part_of(target) in parts and target not in champions.serving:
            absent[target] = "not loaded: its champion was refused; the log says why"
    return absent


def _records(triages: Triages, request_id: str) -> list[PredictionRecord]:
    now = datetime.now(UTC)
    return [
        PredictionRecord(
            prediction_id=triage.prediction_id,
            request_id=request_id,
            incident_id=triage.incident_id,
            target=target,
            model_version=_version(triages.champions.get(target)),
            label=answer.label,
            confidence=answer.confidence,
            decision=answer.decision,
            mode=answer.mode,
            answer=_ADAPTERS[type(answer)].dump_python(answer, mode="json"),
            answered_at=now,
        )
        for triage in triages.items
        for target, answer in triage.answers.items()
    ]


def _version(champion: Champion | None) -> str:
    return _SHIPPED if champion is None else champion.version.version


_ADAPTERS: Mapping[type[Answer], TypeAdapter[Any]] = {
    kind: TypeAdapter(kind) for kind in (ChoiceAnswer, SeverityAnswer, SimilarAnswer, RunbookAnswer)
}
