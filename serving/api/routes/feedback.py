"""The route that takes feedback on answers."""

from fastapi import APIRouter, Depends
from starlette.responses import Response

from serving.api.auth import require_key
from serving.api.dependencies import RawBody, RequestId, SharedContainer
from serving.api.openapi import BODY_PROBLEMS, EXAMPLE_FEEDBACK, json_body, problem_responses
from serving.api.response_schemas import FeedbackResponse, as_json, shape_feedback
from serving.schemas.requests import FeedbackRequest

feedback_routes = APIRouter(dependencies=[Depends(require_key)], tags=["feedback"])


@feedback_routes.post(
    "/v1/feedback",
    response_model=FeedbackResponse,
    responses=BODY_PROBLEMS | problem_responses(404),
    openapi_extra=json_body(FeedbackRequest, correct=EXAMPLE_FEEDBACK),
)
def feedback(body: RawBody, services: SharedContainer, request_id: RequestId) -> Response:
    """Say what was done with an answer: accepted, corrected or dismissed."""
    given = services.reader.body(FeedbackRequest, body)
    record = services.feedback.give(**given.model_dump(), source="api")
    is_new_label = services.label_vocabulary.is_new(record)
    return as_json(shape_feedback(record, request_id, is_new_label=is_new_label))
