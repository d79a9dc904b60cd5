"""The routes that triage incidents."""

from collections.abc import Collection
from typing import Annotated

from fastapi import APIRouter

from features.domain.report import IncidentReport
from serving.api.auth import BEARER_KEY
from serving.api.dependencies import RequestId, SharedContainer
from serving.api.examples import EXAMPLE_INCIDENT, body_examples
from serving.api.json_route import JsonRoute
from serving.api.lane_choice import in_lane
from serving.api.problems import BODY_PROBLEMS
from serving.api.triage_schemas import BatchResponse, TriageResponse, shape_batch, shape_triage
from serving.container import Container
from serving.runtime.lanes import LaneName
from serving.schemas.requests import AnswerPart, BatchRequest, IncidentInput, TriageRequest

triage_routes = APIRouter(route_class=JsonRoute, dependencies=[BEARER_KEY], tags=["triage"])

TriageBody = Annotated[
    TriageRequest,
    body_examples(
        ticket={"incident": EXAMPLE_INCIDENT},
        category_only={"incident": {"title": "Printer jam"}, "include": ["category"]},
    ),
]
BatchBody = Annotated[
    BatchRequest, body_examples(two={"incidents": [EXAMPLE_INCIDENT, {"title": "Printer jam"}]})
]


@triage_routes.post("/v1/triage", responses=BODY_PROBLEMS)
@in_lane(LaneName.COMPUTE)
def triage(body: TriageBody, services: SharedContainer, request_id: RequestId) -> TriageResponse:
    """Triage one incident: its category, team, severity and fields, and what is related to it."""
    report = services.reader.report(body.incident)
    return answer_report(
        services, report, body.include, request_id, with_evidence=body.include_evidence
    )


@triage_routes.post("/v1/triage/batch", responses=BODY_PROBLEMS)
@in_lane(LaneName.COMPUTE)
def triage_batch(
    body: BatchBody, services: SharedContainer, request_id: RequestId
) -> BatchResponse:
    """Triage many incidents, in order; an invalid one does not fail the others."""
    valid = [record for record in body.incidents if isinstance(record, IncidentInput)]
    reports = [services.reader.report(incident) for incident in valid]
    answers = services.triage.triage(
        reports,
        include=body.include,
        request_id=request_id,
        keep_reports=True,
        with_evidence=body.include_evidence,
    )
    contexts = services.incident_context.contexts_for(reports, answers.parts)
    return shape_batch(body.incidents, answers, contexts, request_id)


def answer_report(
    services: Container,
    report: IncidentReport,
    include: Collection[AnswerPart] | None,
    request_id: str,
    *,
    with_evidence: bool = True,
) -> TriageResponse:
    """Triage a report, and return the answer."""
    answers = services.triage.triage(
        [report],
        include=include,
        request_id=request_id,
        keep_reports=True,
        with_evidence=with_evidence,
    )
    (context,) = services.incident_context.contexts_for([report], answers.parts)
    return shape_triage(answers.items[0], answers, context, request_id)
