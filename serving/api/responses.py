"""Answers as JSON."""

from pydantic import BaseModel
from starlette.responses import Response


def as_json(answer: BaseModel, status: int = 200) -> Response:
    """Return an answer as a response; what is unset was left out on purpose, by `include`."""
    return Response(answer.model_dump_json(exclude_unset=True), status, None, "application/json")
