"""The table of known headers: which role a column of a product's export has."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

_NO_KEY_CHARACTER = re.compile(r"[^\w#]+|_+")


@dataclass(frozen=True, slots=True)
class StateCodes:
    """The values of a state column that mean open, and those that mean resolved."""

    open: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProductHeaders:
    """The headers of one product, as keys.

    `roles` holds the headers of each role, in order of preference. `states` holds the codes of the
    state columns whose values are codes and not words. A fallback holds names of many products and
    languages, and comes after all of them.
    """

    product: str
    roles: Mapping[str, Sequence[str]]
    states: Mapping[str, StateCodes]
    keys: frozenset[str]
    is_fallback: bool = False


def header_key(header: str) -> str:
    """Return a header without case, accents, spaces and punctuation, except `#`.

    >>> header_key("Component/s"), header_key("Priorität"), header_key("Ticket#")
    ('components', 'prioritat', 'ticket#')
    """
    # Compatible forms such as the sign for "number" hold capitals, so case is removed after them.
    decomposed = unicodedata.normalize("NFKD", header).casefold().replace("\u0131", "i")
    letters = "".join(mark for mark in decomposed if not unicodedata.combining(mark))
    return _NO_KEY_CHARACTER.sub("", letters)


@cache
def known_headers() -> tuple[ProductHeaders, ...]:
    """Return the headers of every product; the first are the names of Precedent's own fields.

    >>> [headers.product for headers in known_headers()][:3]
    ['precedent', 'servicenow', 'jira']
    """
    file = files(__package__).joinpath("header_names.yaml")
    entries = _TABLE.validate_python(yaml.safe_load(file.read_text(encoding="utf-8")))
    return tuple(_product_headers(product, entry) for product, entry in entries.items())


@cache
def keys_of_role(role: str) -> frozenset[str]:
    """Return the headers that have a role in any product, as keys.

    >>> "anrufer" in keys_of_role("callers")
    True
    """
    return frozenset(key for headers in known_headers() for key in headers.roles.get(role, ()))


class _Document(BaseModel):
    """The headers by role that one public document shows; long lists are split into several."""

    model_config = ConfigDict(extra="forbid")

    source: str
    names: dict[str, list[str | list[str]]]


class _Product(BaseModel):
    model_config = ConfigDict(extra="forbid")

    documents: list[_Document]
    is_fallback: bool = False
    states: dict[str, StateCodes] = {}


_TABLE = TypeAdapter(dict[str, _Product])


def _product_headers(product: str, entry: _Product) -> ProductHeaders:
    roles: dict[str, dict[str, None]] = {}
    for document in entry.documents:
        for role, names in document.names.items():
            keys = map(header_key, _flat(names))
            roles.setdefault(role, {}).update(dict.fromkeys(keys))
    return ProductHeaders(
        product=product,
        roles={role: tuple(keys) for role, keys in roles.items()},
        states={header_key(header): codes for header, codes in entry.states.items()},
        keys=frozenset(key for keys in roles.values() for key in keys),
        is_fallback=entry.is_fallback,
    )


def _flat(names: Sequence[str | list[str]]) -> list[str]:
    return [name for entry in names for name in ([entry] if isinstance(entry, str) else entry)]
