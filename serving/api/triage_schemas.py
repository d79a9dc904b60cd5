"""Responses to a triage: every field, as `/docs` shows them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from models.base.predictions import OpenMatch, SimilarIncident, SuggestedRunbook
from serving.api.problems import Problem, problem_of
from serving.background.champions import LoadedVersion
from serving.runtime.errors import InvalidFields
from serving.schemas.answers import (
    ChoiceAnswer,
    NoveltyAnswer,
    ResolutionAnswer,
    RunbookAnswer,
    SeverityAnswer,
    SimilarAnswer,
)
from serving.schemas.field_errors import read_field_errors
from serving.schemas.requests import AnswerPart, IncidentInput, RefusedIncident
from serving.services.context_ranking import RelatedAnomaly, RelatedChange
from serving.services.incident_context import IncidentContext
from serving.services.triage import TriageBatch, TriageResult, answer_part


class ServedVersion(BaseModel):
    """The version that answered for a target."""

    version: str
    trained_at: datetime


class TriageResponse(BaseModel):
    """The answers about one incident; parts that were not requested are left out."""

    incident_id: str
    request_id: str
    prediction_id: str
    category: ChoiceAnswer | None = None
    assignment: ChoiceAnswer | None = None
    fields: dict[str, ChoiceAnswer | SeverityAnswer] = Field(default_factory=dict)
    severity: SeverityAnswer | None = None
    similar: list[SimilarIncident] | None = None
    open_match: OpenMatch | None = None
    runbooks: list[SuggestedRunbook] | None = None
    resolution: ResolutionAnswer | None = None
    anomalies: list[RelatedAnomaly] | None = None
    changes: list[RelatedChange] | None = None
    novelty: NoveltyAnswer | None = None
    absent: dict[str, str] = Field(
        description="why a part, or a number of `resolution`, is null: not trained, cannot answer, "
        "switched off by its owner, or held back because a person decides first"
    )
    models: dict[str, ServedVersion]


class TriagedRecord(BaseModel):
    """An incident of a batch that was answered."""

    id: str
    status: int
    triage: TriageResponse


class RefusedRecord(BaseModel):
    """An incident of a batch that is not valid; `id` is null if it has no valid id."""

    id: str | None
    status: int
    problem: Problem


class BatchResponse(BaseModel):
    """One result for each incident, in the order of the request."""

    results: list[TriagedRecord | RefusedRecord]


def shape_triage(
    triage: TriageResult, triages: TriageBatch, context: IncidentContext, request_id: str
) -> TriageResponse:
    """Return the answer about one incident."""
    return TriageResponse.model_construct(
        incident_id=triage.incident_id,
        request_id=request_id,
        prediction_id=triage.prediction_id,
        **_parts(triage, context, triages.parts),
        absent={**triages.absent, **triage.absent, **context.absent},
        models=shape_versions(triages.champions),
    )


def shape_batch(
    records: Sequence[IncidentInput | RefusedIncident],
    triages: TriageBatch,
    contexts: Sequence[IncidentContext],
    request_id: str,
) -> BatchResponse:
    """Return one result for each record.

    `triages` and `contexts` are those of the valid records, in the same order.
    """
    answered = zip(triages.items, contexts, strict=True)
    results = [
        _refused(record, at, request_id)
        if isinstance(record, RefusedIncident)
        else _triaged(*next(answered), triages, request_id)
        for at, record in enumerate(records)
    ]
    return BatchResponse.model_construct(results=results)


def shape_versions(champions: Mapping[str, LoadedVersion]) -> dict[str, ServedVersion]:
    """Return which version answers for each target."""
    return {
        target: ServedVersion(
            version=champion.version.version, trained_at=champion.version.trained_at
        )
        for target, champion in champions.items()
    }


def _triaged(
    triage: TriageResult, context: IncidentContext, triages: TriageBatch, request_id: str
) -> TriagedRecord:
    answer = shape_triage(triage, triages, context, request_id)
    return TriagedRecord.model_construct(id=triage.incident_id, status=200, triage=answer)


def _refused(record: RefusedIncident, at: int, request_id: str) -> RefusedRecord:
    error = InvalidFields(read_field_errors(record.errors, ("incidents", at)))
    return RefusedRecord.model_construct(
        id=record.id, status=422, problem=problem_of(error, request_id)
    )


def _parts(
    triage: TriageResult, context: IncidentContext, parts: tuple[AnswerPart, ...]
) -> dict[str, Any]:
    shaped: dict[str, Any] = {part: {} if part == "fields" else None for part in parts}
    shaped["novelty"] = None
    if "similar" in parts:
        shaped["open_match"] = None
    context_parts = {"anomalies": context.anomalies, "changes": context.changes}
    shaped |= {
        part: list(related) for part, related in context_parts.items() if related is not None
    }
    for target, answer in triage.answers.items():
        if isinstance(answer, SimilarAnswer):
            shaped |= {"similar": list(answer.similar), "open_match": answer.open_match}
        elif isinstance(answer, RunbookAnswer):
            shaped["runbooks"] = list(answer.runbooks)
        elif answer_part(target) == "fields":
            shaped["fields"][target.removeprefix("fields.")] = answer
        else:
            shaped[target] = answer
    return shaped
