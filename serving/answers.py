"""What callers get: every field of every answer, as `/docs` shows them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from features.history.modes import Mode, Modes
from features.incident.report import IncidentReport, Outcome
from models.card import Metric
from models.prediction import Certificate
from serving.bodies import Part
from serving.champions import Champion, Champions
from serving.modes import ChoiceAnswer, SeverityAnswer
from serving.problems import Problem, problem_of
from serving.reading import RefusedIncident
from serving.triage import Triage, Triages, part_of


class ServedVersion(BaseModel):
    """The version that answered for a target."""

    version: str
    trained_at: datetime


class TriageAnswer(BaseModel):
    """All that is said about one incident; what `include` leaves out is not in the answer."""

    incident_id: str
    request_id: str
    prediction_id: str
    category: ChoiceAnswer | None = None
    assignment: ChoiceAnswer | None = None
    fields: dict[str, ChoiceAnswer | SeverityAnswer] = Field(default_factory=dict)
    severity: SeverityAnswer | None = None
    similar: list[Any] | None = None
    runbooks: list[Any] | None = None
    anomalies: list[Any] | None = None
    absent: dict[str, str] = Field(
        description="why a part is null: not trained, cannot answer, or switched off by its owner"
    )
    models: dict[str, ServedVersion]


class TriagedRecord(BaseModel):
    """An incident of a batch that was answered."""

    id: str
    status: int
    triage: TriageAnswer


class RefusedRecord(BaseModel):
    """An incident of a batch that cannot be answered; `id` is null where it has no usable one."""

    id: str | None
    status: int
    problem: Problem


class BatchAnswer(BaseModel):
    """One result for each incident, in the order of the request."""

    results: list[TriagedRecord | RefusedRecord]


class StoredAnswer(BaseModel):
    """Confirms a write; `revision` counts the writes to this store."""

    incident_id: str
    request_id: str
    revision: int


class DeletedAnswer(BaseModel):
    """Confirms that an incident is gone."""

    incident_id: str
    request_id: str


class IncidentAnswer(BaseModel):
    """An incident as it is stored: cleaned, and with secrets masked."""

    incident: IncidentReport
    outcome: Outcome
    request_id: str


class ModelAnswer(BaseModel):
    """A champion as its card describes it."""

    target: str
    version: str
    kind: str
    mode: Mode = Field(description="what the owner allows for this target")
    label_modes: dict[str, Mode] = Field(description="of the labels that have a mode of their own")
    trained_at: datetime
    cutoff: datetime | None
    split: str
    metrics: list[Metric]
    certificates: dict[str, Certificate]
    notes: list[str]


class ModelsAnswer(BaseModel):
    """Every champion that answers now."""

    models: list[ModelAnswer]


class LiveAnswer(BaseModel):
    """The process answers."""

    status: str


class ReadyAnswer(BaseModel):
    """Which versions answer, and why others do not."""

    status: str
    targets: dict[str, ServedVersion]
    problems: dict[str, str]


def shape_triage(triage: Triage, triages: Triages, request_id: str) -> TriageAnswer:
    """Return the answer about one incident."""
    return TriageAnswer.model_construct(
        incident_id=triage.incident_id,
        request_id=request_id,
        prediction_id=triage.prediction_id,
        **_parts(triage, triages.parts),
        absent=dict(triages.absent),
        models=_versions(triages.champions),
    )


def shape_batch(
    records: Sequence[IncidentReport | RefusedIncident], triages: Triages, request_id: str
) -> BatchAnswer:
    """Return one result for each record; `triages` answers those that were read, in order."""
    answered = iter(triages.items)
    results = [
        RefusedRecord.model_construct(
            id=record.id, status=422, problem=problem_of(record.error, request_id)
        )
        if isinstance(record, RefusedIncident)
        else TriagedRecord.model_construct(
            id=record.id, status=200, triage=shape_triage(next(answered), triages, request_id)
        )
        for record in records
    ]
    return BatchAnswer.model_construct(results=results)


def shape_ready(champions: Champions) -> ReadyAnswer:
    """Return what answers and what does not."""
    # Open to all, so the reasons, which name files, stay in the log.
    problems = dict.fromkeys(champions.problems, "its champion was refused; the log says why")
    if champions.registry_problem is not None:
        problems["registry"] = "it cannot be read; the log says why"
    status = "ready" if champions.is_ready else "not ready"
    return ReadyAnswer(status=status, targets=_versions(champions.serving), problems=problems)


def shape_models(champions: Champions, modes: Modes) -> ModelsAnswer:
    """Return the cards and modes of the champions in the order of their targets."""
    serving = champions.serving
    return ModelsAnswer(
        models=[_shape_model(target, serving[target], modes) for target in sorted(serving)]
    )


def _shape_model(target: str, champion: Champion, modes: Modes) -> ModelAnswer:
    card = champion.card
    return ModelAnswer(
        target=target,
        version=champion.version.version,
        kind=champion.version.kind or card.kind,
        mode=modes.of(target),
        label_modes=modes.of_labels(target),
        trained_at=champion.version.trained_at,
        cutoff=card.cutoff,
        split=card.split,
        metrics=list(card.metrics),
        certificates=dict(card.certificates),
        notes=list(card.notes),
    )


def _parts(triage: Triage, parts: tuple[Part, ...]) -> dict[str, Any]:
    shaped: dict[str, Any] = {part: {} if part == "fields" else None for part in parts}
    for target, answer in triage.answers.items():
        if part_of(target) == "fields":
            shaped["fields"][target.removeprefix("fields.")] = answer
        else:
            shaped[target] = answer
    return shaped


def _versions(champions: Mapping[str, Champion]) -> dict[str, ServedVersion]:
    return {
        target: ServedVersion(
            version=champion.version.version, trained_at=champion.version.trained_at
        )
        for target, champion in champions.items()
    }
