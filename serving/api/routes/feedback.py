"""The routes that take feedback on answers, and that reveal answers of the audit sample."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path

from features.text.parsing import Name
from serving.api.auth import BEARER_KEY
from serving.api.dependencies import RequestId, SharedContainer
from serving.api.examples import EXAMPLE_FEEDBACK, body_examples
from serving.api.incident_schemas import StoredTriage, shape_stored
from serving.api.json_route import JsonRoute
from serving.api.problems import BODY_PROBLEMS, problem_responses
from serving.api.response_schemas import FeedbackResponse, RevealResponse
from serving.schemas.requests import FeedbackRequest, RevealRequest

feedback_routes = APIRouter(route_class=JsonRoute, dependencies=[BEARER_KEY], tags=["feedback"])

_BY_API = "api"

PredictionId = Annotated[Name, Path(description="the `prediction_id` of an answer")]
RevealBody = Annotated[
    RevealRequest, body_examples(reveal={"target": "category", "given_by": "Mia Berger"})
]
FeedbackBody = Annotated[FeedbackRequest, body_examples(correct=EXAMPLE_FEEDBACK)]


@feedback_routes.post("/v1/feedback", responses=BODY_PROBLEMS | problem_responses(404))
def feedback(
    body: FeedbackBody, services: SharedContainer, request_id: RequestId
) -> FeedbackResponse:
    """Store feedback on an answer: that it was accepted, corrected or dismissed."""
    record = services.feedback.give(**body.model_dump(), source="api")
    is_new_label = services.label_vocabulary.is_new(record)
    return FeedbackResponse(**asdict(record), is_new_label=is_new_label, request_id=request_id)


@feedback_routes.get(
    "/v1/predictions/{prediction_id}", responses=problem_responses(401, 403, 404, 422, 503)
)
def get_prediction(prediction_id: PredictionId, services: SharedContainer) -> StoredTriage:
    """Return a stored answer; what the audit sample holds back stays hidden."""
    answers = services.stored_answers.get(prediction_id)
    return shape_stored(answers, services.champions.current().serving)


@feedback_routes.post(
    "/v1/predictions/{prediction_id}/reveal", responses=BODY_PROBLEMS | problem_responses(404)
)
def reveal(
    prediction_id: str, body: RevealBody, services: SharedContainer, request_id: RequestId
) -> RevealResponse:
    """Reveal an answer that the audit sample holds back; it then no longer counts in the audit."""
    revealed = services.reveals.reveal(
        prediction_id, body.target, given_by=body.given_by or _BY_API, reason=body.reason or ""
    )
    record = revealed.record
    return RevealResponse(
        prediction_id=record.prediction_id,
        incident_id=record.incident_id,
        target=record.target,
        answer=dict(record.answer),
        given_by=revealed.given_by,
        given_at=revealed.given_at,
        request_id=request_id,
    )
