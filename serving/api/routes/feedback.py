"""The route that takes feedback on answers."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter

from serving.api.auth import BEARER_KEY
from serving.api.dependencies import RequestId, SharedContainer
from serving.api.examples import EXAMPLE_FEEDBACK, body_examples
from serving.api.json_route import JsonRoute
from serving.api.problems import BODY_PROBLEMS, problem_responses
from serving.api.response_schemas import FeedbackResponse
from serving.schemas.requests import FeedbackRequest

feedback_routes = APIRouter(route_class=JsonRoute, dependencies=[BEARER_KEY], tags=["feedback"])

FeedbackBody = Annotated[FeedbackRequest, body_examples(correct=EXAMPLE_FEEDBACK)]


@feedback_routes.post("/v1/feedback", responses=BODY_PROBLEMS | problem_responses(404))
def feedback(
    body: FeedbackBody, services: SharedContainer, request_id: RequestId
) -> FeedbackResponse:
    """Store feedback on an answer: that it was accepted, corrected or dismissed."""
    record = services.feedback.give(**body.model_dump(), source="api")
    is_new_label = services.label_vocabulary.is_new(record)
    return FeedbackResponse(**asdict(record), is_new_label=is_new_label, request_id=request_id)
