"""Reads JSON strictly: in a Unicode encoding, and with each key of an object only once."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, NoReturn

from serving.runtime.errors import MalformedBody


@dataclass(frozen=True, slots=True)
class RepeatedKey:
    """Replaces an object with a repeated key, so that validation reports the object's path.

    In a batch, only the record with the repeated key is then refused.
    """

    key: str


def read_json(body: bytes, *, allow_nan: bool = False) -> object:
    """Return the value of a JSON text, with NaN and Infinity if allowed; raises `MalformedBody`.

    An object with a repeated key becomes a `RepeatedKey`. Escaped lone surrogates are kept, because
    tools that truncate texts send them; parsing the fields removes them.

    >>> read_json(b'[{"a": 1}, {"a": 1, "a": 2}]')
    [{'a': 1}, RepeatedKey(key='a')]
    """
    decoder = json.JSONDecoder(
        object_pairs_hook=_read_object,
        parse_constant=None if allow_nan else _refuse_constant,
    )
    try:
        return decoder.decode(body.decode(json.detect_encoding(body)))
    except RecursionError:
        raise MalformedBody("the body is nested too deeply") from None
    except ValueError as error:
        raise MalformedBody(f"the body is not JSON: {error}") from None


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | RepeatedKey:
    fields = dict(pairs)
    if len(fields) == len(pairs):
        return fields
    counts = Counter(key for key, _ in pairs)
    return RepeatedKey(next(key for key, count in counts.items() if count > 1))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
