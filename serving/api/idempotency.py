"""Answers a request that carries an `Idempotency-Key` once; a repetition gets the same answer."""

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from features.errors import PrecedentError, StoreUnavailable
from features.store.operations.idempotency_keys import (
    EarlierRequest,
    IdempotencyKeyRepository,
    KeyedAnswer,
    KeyedRequest,
)
from serving.api.problems import answer_error, answer_invalid
from serving.runtime.errors import FieldError, InvalidFields, StillRunning

_log = logging.getLogger(__name__)

IDEMPOTENCY_KEY = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
"""The header of an answer that was given before."""

_MOST_CHARACTERS = 255

PARAMETER: dict[str, Any] = {
    "name": IDEMPOTENCY_KEY,
    "in": "header",
    "required": False,
    "description": "a request that is sent again with the same key and body within 24 hours gets "
    "the first answer",
    "schema": {"type": "string", "minLength": 1, "maxLength": _MOST_CHARACTERS},
}
"""The header as OpenAPI documents it."""

Answer = Callable[[Request], Awaitable[Response]]


async def answer_once(request: Request, keys: IdempotencyKeyRepository, answer: Answer) -> Response:
    """Return the answer to a request, or the stored answer to an equal request with its key.

    An answer with status 5xx is not stored. Raises `InvalidFields` if the key was used for another
    request, or is not valid, and `StillRunning` if the first request with the key still runs.
    """
    keyed, now = await _read(request), datetime.now(UTC)
    earlier = await run_in_threadpool(keys.begin, keyed, now)
    if earlier is not None:
        return _replay(keyed, earlier)
    kept: KeyedAnswer | None = None
    try:
        response = await _answer_or_problem(request, answer)
        if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            kept = _read_answer(response)
    finally:
        if kept is None:
            await _try(keys.release, keyed, now)
    if kept is not None:
        await _try(keys.finish, keyed, now, kept)
    return response


async def _read(request: Request) -> KeyedRequest:
    key = request.headers[IDEMPOTENCY_KEY].strip()
    if not 0 < len(key) <= _MOST_CHARACTERS or not key.isprintable():
        message = f"give 1 to {_MOST_CHARACTERS} printable characters"
        raise InvalidFields([FieldError(IDEMPOTENCY_KEY, message)])
    path = f"{request.url.path}?{request.url.query}"
    return KeyedRequest(key, path, sha256(await request.body()).hexdigest())


def _read_answer(response: Response) -> KeyedAnswer:
    content_type = response.headers.get("content-type", "")
    return KeyedAnswer(response.status_code, bytes(response.body).decode(), content_type)


def _replay(keyed: KeyedRequest, earlier: EarlierRequest) -> Response:
    if keyed != earlier.request:
        message = "was used for another request within 24 hours: give each request a key of its own"
        raise InvalidFields([FieldError(IDEMPOTENCY_KEY, message)])
    if earlier.answer is None:
        raise StillRunning("the first request with this Idempotency-Key still runs; try again")
    answer = earlier.answer
    headers = {"content-type": answer.content_type, REPLAYED: "true"}
    return Response(answer.response, answer.status_code, headers)


async def _answer_or_problem(request: Request, answer: Answer) -> Response:
    try:
        return await answer(request)
    except PrecedentError as error:
        return answer_error(request, error)
    except RequestValidationError as error:
        return answer_invalid(request, error)


async def _try(write: Callable[..., None], *arguments: object) -> None:
    # The request was answered: that its key cannot be stored must not look like its failure.
    try:
        await run_in_threadpool(write, *arguments)
    except StoreUnavailable as error:
        _log.warning(
            "an idempotency key cannot be stored", extra={"fields": {"reason": str(error)}}
        )
