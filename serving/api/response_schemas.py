"""Responses to requests other than triage: every field, as `/docs` shows them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from models.artifacts.registry import CHAMPION
from models.base.predictions import (
    OpenMatch,
    SimilarIncident,
    SuggestedRunbook,
)
from models.lifecycle.incident_erasure import Deletion
from serving.api.triage_schemas import ServedVersion, TriageResponse, shape_versions
from serving.background.champions import Champions
from serving.background.suspensions import Suspensions
from serving.services.alerts.episodes import Effect
from serving.services.records.incidents import UpsertEffect

_MODELS_UNKNOWN = (
    "the incident is deleted, but the model registry cannot be read: it is unknown which models "
    "learned from the incident, and files about their evaluation may hold its id; delete the "
    "incident again when the registry can be read"
)


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
    """Confirms that a change was stored."""

    change_id: str
    request_id: str


class HookResponse(BaseModel):
    """What a delivery of alerts did, and whether its incident waits to be triaged because of it.

    `prediction_id` is always null: the incident is triaged after the delivery was acknowledged.
    """

    effect: Effect
    incident_id: str | None
    queued: bool
    prediction_id: None
    request_id: str


class FeedbackResponse(BaseModel):
    """Confirms that feedback was stored.

    `is_new_label` says whether a correction names a label that is new to the champion and to the
    store, and so may be misspelt.
    """

    prediction_id: str
    incident_id: str
    target: str
    action: str
    given_by: str
    given_at: datetime
    is_new_label: bool
    request_id: str


class RevealResponse(BaseModel):
    """An answer that was taken out of the audit sample, and who wanted to see it when."""

    prediction_id: str
    incident_id: str
    target: str
    answer: dict[str, Any]
    given_by: str
    given_at: datetime
    request_id: str


class StoredResponse(BaseModel):
    """Confirms a write; `revision` counts the writes to the store so far.

    `effect` is what the write did: `unchanged` if it said nothing new, `outdated` if its
    `updated_at` is before that of the stored incident.
    """

    incident_id: str
    request_id: str
    revision: int
    effect: UpsertEffect
    triage: TriageResponse | None = Field(
        default=None,
        description="the answer as of `POST /v1/triage`, with `triage=true`",
    )


class LearnedVersion(BaseModel):
    """A version that was fitted or evaluated on an incident, and keeps what it learned from it."""

    target: str
    version: str
    is_champion: bool


class DeletedResponse(BaseModel):
    """Confirms that an incident was deleted, and lists the models that learned from it.

    The listed versions keep what they learned; versions trained later hold nothing of the incident.
    """

    incident_id: str
    request_id: str
    models: list[LearnedVersion] | None
    problem: str | None = Field(
        default=None, description="why `models` is null, and what is to be done about it"
    )


class LiveResponse(BaseModel):
    """The process answers."""

    status: str


class ReadyResponse(BaseModel):
    """The versions that answer, and the problems of targets, registry, index and store."""

    status: str
    targets: dict[str, ServedVersion]
    problems: dict[str, str]
    suspended: list[str] = Field(description="targets whose champion abstains on every incident")


def shape_deletion(id: str, deletion: Deletion, request_id: str) -> DeletedResponse:  # noqa: A002
    """Return the response to a deletion."""
    if deletion.models is None:
        return DeletedResponse(
            incident_id=id, request_id=request_id, models=None, problem=_MODELS_UNKNOWN
        )
    models = [
        LearnedVersion(
            target=version.target, version=version.version, is_champion=CHAMPION in version.aliases
        )
        for version in deletion.models
    ]
    return DeletedResponse(incident_id=id, request_id=request_id, models=models)


def shape_ready(
    champions: Champions, suspensions: Suspensions, unready: Mapping[str, str]
) -> ReadyResponse:
    """Return which versions answer, which of them are suspended, and the problems."""
    # This route needs no key, so the reasons, which name files, are only logged.
    problems: dict[str, str] = dict.fromkeys(
        champions.problems, "its champion was refused; the log says why"
    )
    if champions.registry_problem is not None:
        problems["registry"] = "it cannot be read; the log says why"
    problems |= unready
    status = "not ready" if unready or not champions.is_ready else "ready"
    return ReadyResponse(
        status=status,
        targets=shape_versions(champions.serving),
        problems=problems,
        suspended=sorted(
            target
            for target, champion in champions.serving.items()
            if (target, champion.version.version) in suspensions
        ),
    )
