"""Turns errors into RFC 9457 problems; only this module maps errors to status codes."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from features.errors import (
    ArtifactRejected,
    EncoderUnavailable,
    NoEarlierChampion,
    NotTrained,
    PrecedentError,
    RegistryUnavailable,
    StoreUnavailable,
    UnknownVersion,
)
from features.text.parsing import sanitise_text
from serving.runtime.errors import (
    BodyTooLarge,
    BodyTooSlow,
    FieldError,
    ForeignForm,
    IndexBehind,
    InvalidFields,
    MalformedBody,
    Overloaded,
    StillRunning,
    TooManyGuesses,
    Unauthorised,
    UnknownHost,
    UnknownIncident,
    UnknownPrediction,
    UnknownRoutine,
    UnknownSurge,
    UnsupportedMediaType,
)
from serving.schemas.field_errors import read_field_errors

_log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

STATUS_OF: Mapping[type[PrecedentError], HTTPStatus] = {
    MalformedBody: HTTPStatus.BAD_REQUEST,
    InvalidFields: HTTPStatus.UNPROCESSABLE_ENTITY,
    BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Unauthorised: HTTPStatus.UNAUTHORIZED,
    ForeignForm: HTTPStatus.FORBIDDEN,
    UnknownHost: HTTPStatus.FORBIDDEN,
    BodyTooSlow: HTTPStatus.REQUEST_TIMEOUT,
    TooManyGuesses: HTTPStatus.TOO_MANY_REQUESTS,
    UnknownIncident: HTTPStatus.NOT_FOUND,
    UnknownSurge: HTTPStatus.NOT_FOUND,
    UnknownRoutine: HTTPStatus.NOT_FOUND,
    UnknownPrediction: HTTPStatus.NOT_FOUND,
    UnknownVersion: HTTPStatus.NOT_FOUND,
    NoEarlierChampion: HTTPStatus.CONFLICT,
    ArtifactRejected: HTTPStatus.CONFLICT,
    StillRunning: HTTPStatus.CONFLICT,
    IndexBehind: HTTPStatus.SERVICE_UNAVAILABLE,
    Overloaded: HTTPStatus.SERVICE_UNAVAILABLE,
    StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    RegistryUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    EncoderUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    NotTrained: HTTPStatus.SERVICE_UNAVAILABLE,
}
# The messages of these errors are only logged: they name files, hosts and errors of drivers.
_DETAIL_OF: Mapping[type[PrecedentError], str] = {
    ArtifactRejected: "the version's files were changed after registration, or have another format",
    StoreUnavailable: "the store is busy or cannot be reached",
    RegistryUnavailable: "the model registry cannot be reached",
    EncoderUnavailable: "the sentence encoder cannot be loaded",
    NotTrained: "the model has not been trained",
}
_METHODS_OF_FILES = ("GET", "HEAD")
"""The methods of a path without a route, which is a static file."""

_HEADERS_OF: Mapping[HTTPStatus, dict[str, str]] = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "Bearer"},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "5"},
    HTTPStatus.TOO_MANY_REQUESTS: {"Retry-After": "60"},
    HTTPStatus.REQUEST_TIMEOUT: {"Connection": "close"},
}
_RETRY_SOON = {"Retry-After": "1"}
_SOON_OVER = (StillRunning, Overloaded)


class Problem(BaseModel):
    """An error as callers see it (RFC 9457); `errors` names the fields that were refused."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: Sequence[FieldError] | None = None


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI description of the problems that a route answers with."""
    schema = {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}
    # A key that is not the right one may also be refused because many wrong ones were sent.
    guesses = (429,) if 401 in statuses else ()
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: schema}}
        for status in (*statuses, *guesses)
    }


BODY_PROBLEMS = problem_responses(400, 401, 403, 408, 409, 413, 415, 422, 503)
"""The problems of a route that reads a body."""


def problem_of(error: PrecedentError, request_id: str) -> Problem:
    """Return the problem that describes an error to a caller."""
    errors = error.errors if isinstance(error, InvalidFields) else None
    if type(error) not in STATUS_OF:
        return unexpected_problem(request_id)
    status = STATUS_OF[type(error)]
    public = _DETAIL_OF.get(type(error))
    detail = f"{public}; try again, or read the log under this request_id" if public else str(error)
    return _problem(status, detail, request_id, errors)


def unexpected_problem(request_id: str) -> Problem:
    """Return the problem of an error without a status code of its own: status 500."""
    detail = "the service failed; its log says more under this request_id"
    return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail, request_id)


def answer_error(request: Request, error: PrecedentError) -> Response:
    """Answer with the problem of an error; details that callers must not see are logged."""
    problem = explain_error(request, error)
    return respond(problem, problem_headers(problem, error))


def problem_headers(problem: Problem, error: PrecedentError) -> dict[str, str]:
    """Return the headers that belong to an error, such as `Retry-After`."""
    soon = _RETRY_SOON if isinstance(error, _SOON_OVER) else {}
    return {**_HEADERS_OF.get(HTTPStatus(problem.status), {}), **soon}


def explain_error(request: Request, error: PrecedentError) -> Problem:
    """Return the problem of an error; details that callers must not see are logged."""
    request_id = request.state.request_id
    if type(error) in _DETAIL_OF or type(error) not in STATUS_OF:
        facts = {"request_id": request_id, "reason": str(error)}
        _log.error("a request cannot be answered", extra={"fields": facts})
    return problem_of(error, request_id)


def answer_invalid(request: Request, error: RequestValidationError) -> Response:
    """Answer with the problem of a path, query or body that is not valid."""
    # The first step of a location is `path`, `query` or `body`.
    errors = [details | {"loc": details["loc"][1:]} for details in error.errors()]
    return answer_error(request, InvalidFields(read_field_errors(errors)))


def answer_http_error(request: Request, error: HTTPException) -> Response:
    """Answer with the problem of a route or method that does not exist."""
    status = HTTPStatus(error.status_code)
    detail = f"{request.method} {request.url.path}: {status.description}"
    headers = dict(error.headers or {})
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_methods_of_path(request) or _METHODS_OF_FILES))
    return respond(_problem(status, detail, request.state.request_id), headers)


def _methods_of_path(request: Request) -> set[str]:
    """Return the methods of all routes of a path; the framework names only the first route's."""
    routes = iter_route_contexts(request.app.routes)
    return {
        method
        for route in routes
        for method in route.methods or ()
        if route.path_regex.match(request.url.path)
    }


def respond(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Return a problem as a response."""
    return Response(
        problem.model_dump_json(exclude_unset=True),
        problem.status,
        {**_HEADERS_OF.get(HTTPStatus(problem.status), {}), **(headers or {})},
        MEDIA_TYPE,
    )


def _problem(
    status: HTTPStatus,
    detail: str,
    request_id: str,
    errors: Sequence[FieldError] | None = None,
) -> Problem:
    problem = Problem(
        type="about:blank",
        title=status.phrase,
        status=status,
        detail=sanitise_text(detail),
        request_id=request_id,
    )
    return problem if errors is None else problem.model_copy(update={"errors": errors})
