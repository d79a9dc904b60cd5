"""From bytes to checked reports, within the limits that the settings impose."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from features.domain.change import Change
from features.domain.report import IncidentReport, Outcome
from features.text.masking import Masking
from features.text.parsing import MAX_ID_LENGTH, sanitise_text
from models.base.series_model import MetricSeries
from serving.runtime.errors import (
    BodyTooLarge,
    FieldError,
    InvalidFields,
    MalformedBody,
    UnsupportedMediaType,
)
from serving.runtime.metrics import ServingMetrics
from serving.schemas.changes import change_kind
from serving.schemas.requests import IncidentInput, Limits, OutcomeInput, parse_id
from serving.schemas.series import AnomaliesRequest, SeriesInput, count_points

BodyType = TypeVar("BodyType", bound=BaseModel)
Location = tuple[int | str, ...]

_MAX_FIELD_ERRORS = 100
_MAX_PATH_CHARACTERS = 200
_MESSAGES = {
    "extra_forbidden": "there is no such field",
    "missing": "this field is required",
    "model_type": "give an object",
    "dict_type": "give an object",
    "list_type": "give a list",
    "string_type": "give text",
}
_PREFIX = "Value error, "
# So much over the limit is still taken in, because a caller cut off in mid-sending would see a
# broken connection in place of the answer.
_BODIES_DISCARDED = 8


@dataclass(frozen=True, slots=True)
class RefusedIncident:
    """A record of a batch that cannot be read; `id` is None where it has no usable one."""

    id: str | None
    error: InvalidFields


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Return the request's body; raises `UnsupportedMediaType` or `BodyTooLarge`."""
    _check_media_type(request.headers.get("content-type", "application/json"))
    return await receive(request, max_bytes)


async def receive(request: Request, max_bytes: int) -> bytes:
    """Return the request's body, of whatever type; raises `BodyTooLarge`."""
    declared = request.headers.get("content-length", "")
    is_too_large = declared.isdecimal() and int(declared) > max_bytes
    kept, received = bytearray(), 0
    async for chunk in request.stream():
        received += len(chunk)
        is_too_large = is_too_large or received > max_bytes
        if not is_too_large:
            kept += chunk
        elif received > _BODIES_DISCARDED * max_bytes:
            break
    if is_too_large:
        raise BodyTooLarge(f"the body is over the limit of {max_bytes} bytes; send less at once")
    return bytes(kept)


def parse_json(body: bytes, *, with_constants: bool = False) -> object:
    """Return the value of a JSON text, with NaN and Infinity if asked; raises `MalformedBody`."""
    try:
        return json.loads(body, parse_constant=None if with_constants else _refuse_constant)
    except RecursionError:
        raise MalformedBody("the body is nested too deeply") from None
    except ValueError as error:
        raise MalformedBody(f"the body is not JSON: {error}") from None


class RequestParser:
    """Reads bodies under one set of limits, and counts the texts that had to be cleaned."""

    def __init__(self, limits: Limits, masking: Masking, metrics: ServingMetrics) -> None:
        self._limits = limits
        self._masking = masking
        self._metrics = metrics

    def body(self, kind: type[BodyType], given: bytes) -> BodyType:
        """Return a body that passed every check; raises `MalformedBody` or `InvalidFields`."""
        return _validate(kind, parse_json(given), self._limits, ())

    def query(self, kind: type[BodyType], given: Mapping[str, str]) -> BodyType:
        """Return a query that passed every check; raises `InvalidFields`."""
        return _validate(kind, dict(given), self._limits, ())

    def report(self, incident: IncidentInput) -> IncidentReport:
        """Return the report of a checked incident, cleaned and masked."""
        self._metrics.count_cleaned(incident.count_unprintable())
        return incident.parse(self._masking)

    def outcome(self, outcome: OutcomeInput | None) -> Outcome:
        """Return what was learned about an incident, empty while it is unresolved."""
        return outcome.parse(self._masking) if outcome else Outcome()

    def change(self, given: bytes) -> Change:
        """Return the change that a body of either form tells of; raises as `body` does."""
        value = parse_json(given)
        return _validate(change_kind(value), value, self._limits, ()).parse(self._masking)

    def series(self, given: bytes) -> tuple[list[MetricSeries], float]:
        """Return metric series and the budget; raises as `body` does, and `BodyTooLarge`."""
        value = parse_json(given, with_constants=True)
        points, most = count_points(value), self._limits["max_points"]
        if points > most:
            raise BodyTooLarge(f"{points} points are over the limit of {most}; send fewer at once")
        asked = _validate(AnomaliesRequest, value, self._limits, ())
        series = [_read_series(each, at) for at, each in enumerate(asked.series)]
        return series, asked.budget_per_week

    def records(self, given: Sequence[object]) -> list[IncidentReport | RefusedIncident]:
        """Return each record of a batch, read or refused by itself, in order."""
        return [self._record(value, at) for at, value in enumerate(given)]

    def _record(self, given: object, at: int) -> IncidentReport | RefusedIncident:
        try:
            incident = _validate(IncidentInput, given, self._limits, ("incidents", at))
        except InvalidFields as error:
            return RefusedIncident(_usable_id(given), error)
        return self.report(incident)


def _validate(kind: type[BodyType], value: object, limits: Limits, location: Location) -> BodyType:
    try:
        return kind.model_validate(value, context=limits)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        errors = [
            FieldError(
                _path(location + each["loc"]),
                _MESSAGES.get(each["type"], each["msg"]).removeprefix(_PREFIX),
            )
            for each in found[:_MAX_FIELD_ERRORS]
        ]
        raise InvalidFields(errors) from None


def _read_series(given: SeriesInput, at: int) -> MetricSeries:
    try:
        return given.parse()
    except ValueError as error:
        raise InvalidFields([FieldError(f"series.{at}.timestamps", str(error))]) from None


def _usable_id(given: object) -> str | None:
    named = given.get("id") if isinstance(given, dict) else None
    return parse_id(named) if isinstance(named, str) and len(named) <= MAX_ID_LENGTH else None


def _path(location: Location) -> str:
    # Cut first: a name may be as long as the whole body.
    named = ".".join(str(step)[:_MAX_PATH_CHARACTERS] for step in location)
    return sanitise_text(named)[:_MAX_PATH_CHARACTERS]


def _check_media_type(content_type: str) -> None:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedMediaType("send the body as JSON with Content-Type: application/json")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
