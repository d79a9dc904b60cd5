"""Validation errors as callers read them: a path and a message for each field."""

from collections.abc import Sequence
from typing import Any

from features.text.parsing import sanitise_text
from serving.runtime.errors import FieldError
from serving.schemas.strict_json import RepeatedKey

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


def read_field_errors(errors: Sequence[Any], start: Location = ()) -> list[FieldError]:
    """Return the first 100 of pydantic's errors as field errors, with paths below `start`."""
    return [
        FieldError(_path((*start, *details["loc"])), _message(details))
        for details in errors[:_MAX_FIELD_ERRORS]
    ]


def _message(details: dict[str, Any]) -> str:
    if isinstance(details.get("input"), RepeatedKey):
        return sanitise_text(f"the key {details['input'].key[:_MAX_PATH_CHARACTERS]!r} is repeated")
    message: str = _MESSAGES.get(details["type"], details["msg"])
    return message.removeprefix(_PREFIX)


def _path(location: Location) -> str:
    # Each step is cut first, because a name may be as long as the whole body.
    path = ".".join(str(step)[:_MAX_PATH_CHARACTERS] for step in location)
    return sanitise_text(path)[:_MAX_PATH_CHARACTERS]
