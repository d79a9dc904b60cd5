"""The route class of the interface: checks the key, then reads the body within the limits."""

from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Annotated, Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from serving.api.auth import check_access
from serving.api.idempotency import IDEMPOTENCY_KEY, PARAMETER, answer_once
from serving.api.lane_choice import lane_of, run_in_lane
from serving.container import Container
from serving.runtime.errors import UnsupportedMediaType
from serving.runtime.lanes import LaneName
from serving.schemas.new_ids import NEW_IDS, repeatable_ids
from serving.schemas.strict_json import read_json

# Handing a smaller body to a thread takes longer than validating it.
_SMALL_BYTES = 32_768


class JsonRoute(APIRoute):
    """A route that checks the key and validates the body before FastAPI reads it.

    FastAPI alone would read the body before the API key is checked. If a JSON object repeats a
    name, it would keep the last value. It would accept NaN. It would also pass no validation
    context; here the context holds the limits from the settings, and new ids. FastAPI still
    documents the body, and passes the validated model to the handler without validating it again.
    """

    allow_nan = False

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., BaseModel],
        **options: Any,  # noqa: ANN401
    ) -> None:
        methods = frozenset(options.get("methods") or ())
        if "POST" in methods:
            options["openapi_extra"] = {"parameters": [PARAMETER]}
        lane = lane_of(endpoint, methods)
        self.lane = lane if isinstance(lane, LaneName) else None
        super().__init__(path, run_in_lane(endpoint, lane, _serialise), **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler.

        It raises `Unauthorised`, `TooManyGuesses`, `ForeignForm`, `UnsupportedMediaType`,
        `BodyTooLarge`, `BodyTooSlow`, `MalformedBody`, `StillRunning`, `Overloaded` or FastAPI's
        `RequestValidationError`.
        """
        answer = super().get_route_handler()
        field = self.body_field.field_info if self.body_field else None
        annotation: Any = field and Annotated[field.annotation, field]
        adapter: TypeAdapter[Any] = TypeAdapter(annotation)

        async def answer_checked(request: Request) -> Response:
            services: Container = request.app.state.container
            await check_access(request, services)
            if request.method == "POST" and IDEMPOTENCY_KEY in request.headers:
                return await answer_once(request, services.store.idempotency_keys, answer_valid)
            return await answer_valid(request)

        async def answer_valid(request: Request) -> Response:
            services: Container = request.app.state.container
            if field is None:
                return await answer(request)
            _check_media_type(request.headers.get("content-type", "application/json"))
            body = await request.body()
            if not body and not field.is_required():
                return await answer(request)
            context = services.reader.limits | _new_ids(request, body)
            validate = partial(self._validate, adapter, body, context)
            is_small = len(body) <= _SMALL_BYTES
            large = self.lane or LaneName.RECORD
            model = validate() if is_small else await services.lanes.run(large, request, validate)
            return await answer(_ValidatedRequest(request, model))

        return answer_checked

    def _validate(self, adapter: TypeAdapter[Any], body: bytes, context: dict[str, Any]) -> object:
        try:
            value = read_json(body, allow_nan=self.allow_nan)
            return adapter.validate_python(value, context=context)
        except ValidationError as error:
            errors = error.errors(include_url=False, include_context=False)
            raise RequestValidationError(
                [details | {"loc": ("body", *details["loc"])} for details in errors]
            ) from None


class SeriesRoute(JsonRoute):
    """A route whose body may hold NaN and Infinity; monitoring tools send them for gaps."""

    allow_nan = True


class _ValidatedRequest(Request):
    """A request whose JSON is the validated model."""

    def __init__(self, request: Request, model: object) -> None:
        super().__init__(request.scope, request.receive)
        self._model = model

    async def body(self) -> bytes:
        # FastAPI only checks that the body is not empty.
        return b"{}"

    async def json(self) -> object:
        return self._model


def _serialise(answer: BaseModel) -> Response:
    """Return an answer as JSON, made on the thread that computed it.

    FastAPI would validate the answer in a second thread, and serialise it between other requests.
    Fields that are unset are left out: `include` did not ask for them.
    """
    return Response(answer.model_dump_json(exclude_unset=True), media_type="application/json")


def _new_ids(request: Request, body: bytes) -> dict[str, Iterator[str]]:
    """Return the part of the context from which incidents without an id get theirs."""
    key = request.headers.get(IDEMPOTENCY_KEY)
    return {} if key is None else {NEW_IDS: repeatable_ids(key.strip(), body)}


def _check_media_type(content_type: str) -> None:
    media_type = content_type.partition(";")[0].strip().lower()
    is_json = media_type.startswith("application/") and media_type.endswith(("/json", "+json"))
    if not is_json:
        raise UnsupportedMediaType("send the body as JSON with Content-Type: application/json")
