"""What callers get: every field of every answer, as `/docs` shows them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from features.domain.report import IncidentReport, Outcome
from models.artifacts.registry import CHAMPION
from models.base.predictions import OpenMatch, SimilarIncident, SuggestedRunbook
from serving.api.problems import Problem, problem_of
from serving.background.champions import Champions, LoadedVersion
from serving.schemas.answers import ChoiceAnswer, RunbookAnswer, SeverityAnswer, SimilarAnswer
from serving.schemas.parsing import RefusedIncident
from serving.schemas.requests import Part
from serving.services.alertmanager import Effect
from serving.services.context_ranking import RelatedAnomaly, RelatedChange
from serving.services.incident_context import IncidentContext
from serving.services.incidents import Deletion
from serving.services.triage import TriageBatch, TriageResult, answer_part

_MODELS_UNKNOWN = (
    "the incident is gone, but the model registry cannot be read: which models learned from it is "
    "unknown, and files on how they were judged may hold its id; delete it again when it can"
)


class ServedVersion(BaseModel):
    """The version that answered for a target."""

    version: str
    trained_at: datetime


class TriageResponse(BaseModel):
    """All that is said about one incident; what `include` leaves out is not in the answer."""

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
    anomalies: list[RelatedAnomaly] | None = None
    changes: list[RelatedChange] | None = None
    absent: dict[str, str] = Field(
        description="why a part is null: not trained, cannot answer, switched off by its owner, "
        "or held back because a person decides first"
    )
    models: dict[str, ServedVersion]


class TriagedRecord(BaseModel):
    """An incident of a batch that was answered."""

    id: str
    status: int
    triage: TriageResponse


class RefusedRecord(BaseModel):
    """An incident of a batch that cannot be answered; `id` is null where it has no usable one."""

    id: str | None
    status: int
    problem: Problem


class BatchResponse(BaseModel):
    """One result for each incident, in the order of the request."""

    results: list[TriagedRecord | RefusedRecord]


class SimilarResponse(BaseModel):
    """The related past incidents, most related first, and the open incident to join if any."""

    similar: list[SimilarIncident]
    open_match: OpenMatch | None
    request_id: str


class RunbooksResponse(BaseModel):
    """The runbooks that probably apply, most relevant first."""

    runbooks: list[SuggestedRunbook]
    request_id: str


class ChangeResponse(BaseModel):
    """Confirms that a change is kept."""

    change_id: str
    request_id: str


class HookResponse(BaseModel):
    """Tells what an alert did; `prediction_id` is null where the answer is still to come."""

    effect: Effect
    incident_id: str | None
    prediction_id: str | None
    request_id: str


class FeedbackResponse(BaseModel):
    """Confirms what was said of an answer.

    `is_new_label` tells that a correction names a label which neither the champion nor anything
    stored knows: it may be a typing error.
    """

    prediction_id: str
    incident_id: str
    target: str
    action: str
    given_by: str
    given_at: datetime
    is_new_label: bool
    request_id: str


class StoredResponse(BaseModel):
    """Confirms a write; `revision` counts the writes to this store."""

    incident_id: str
    request_id: str
    revision: int


class LearnedVersion(BaseModel):
    """A version that was fitted or judged on an incident, and keeps what it learned."""

    target: str
    version: str
    is_champion: bool


class DeletedResponse(BaseModel):
    """Confirms that an incident is gone, and lists the models that learned from it.

    Training anew on a history without it is what makes a model forget.
    """

    incident_id: str
    request_id: str
    models: list[LearnedVersion] | None
    problem: str | None = Field(
        default=None, description="why `models` is null, and what is to be done about it"
    )


class IncidentResponse(BaseModel):
    """An incident as it is stored: cleaned, and with secrets masked."""

    incident: IncidentReport
    outcome: Outcome
    request_id: str


class LiveResponse(BaseModel):
    """The process answers."""

    status: str


class ReadyResponse(BaseModel):
    """Which versions answer, and why others do not."""

    status: str
    targets: dict[str, ServedVersion]
    problems: dict[str, str]


def shape_triage(
    triage: TriageResult, triages: TriageBatch, around: IncidentContext, request_id: str
) -> TriageResponse:
    """Return the answer about one incident."""
    return TriageResponse.model_construct(
        incident_id=triage.incident_id,
        request_id=request_id,
        prediction_id=triage.prediction_id,
        **_parts(triage, around, triages.parts),
        absent={**triages.absent, **triage.absent, **around.absent},
        models=_versions(triages.champions),
    )


def shape_batch(
    records: Sequence[IncidentReport | RefusedIncident],
    triages: TriageBatch,
    around: Sequence[IncidentContext],
    request_id: str,
) -> BatchResponse:
    """Return one result for each record; the others answer those that were read, in order."""
    answered = zip(triages.items, around, strict=True)
    results = [
        RefusedRecord.model_construct(
            id=record.id, status=422, problem=problem_of(record.error, request_id)
        )
        if isinstance(record, RefusedIncident)
        else _triaged(*next(answered), triages, request_id)
        for record in records
    ]
    return BatchResponse.model_construct(results=results)


def shape_deletion(id: str, deletion: Deletion, request_id: str) -> DeletedResponse:  # noqa: A002
    """Return what a deletion did."""
    if deletion.models is None:
        return DeletedResponse(
            incident_id=id, request_id=request_id, models=None, problem=_MODELS_UNKNOWN
        )
    models = [
        LearnedVersion(target=one.target, version=one.version, is_champion=CHAMPION in one.aliases)
        for one in deletion.models
    ]
    return DeletedResponse(incident_id=id, request_id=request_id, models=models)


def shape_ready(champions: Champions, *, is_indexed: bool) -> ReadyResponse:
    """Return what answers and what does not."""
    # Open to all, so the reasons, which name files, stay in the log.
    problems = dict.fromkeys(champions.problems, "its champion was refused; the log says why")
    if champions.registry_problem is not None:
        problems["registry"] = "it cannot be read; the log says why"
    if not is_indexed:
        problems["index"] = "past incidents are still being indexed; similar ones cannot be found"
    status = "ready" if champions.is_ready else "not ready"
    return ReadyResponse(status=status, targets=_versions(champions.serving), problems=problems)


def _triaged(
    triage: TriageResult, around: IncidentContext, triages: TriageBatch, request_id: str
) -> TriagedRecord:
    answer = shape_triage(triage, triages, around, request_id)
    return TriagedRecord.model_construct(id=triage.incident_id, status=200, triage=answer)


def _parts(
    triage: TriageResult, around: IncidentContext, parts: tuple[Part, ...]
) -> dict[str, Any]:
    shaped: dict[str, Any] = {part: {} if part == "fields" else None for part in parts}
    found = {"anomalies": around.anomalies, "changes": around.changes}
    shaped |= {part: list(each) for part, each in found.items() if each is not None}
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


def _versions(champions: Mapping[str, LoadedVersion]) -> dict[str, ServedVersion]:
    return {
        target: ServedVersion(
            version=champion.version.version, trained_at=champion.version.trained_at
        )
        for target, champion in champions.items()
    }
