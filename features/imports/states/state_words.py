"""The usual words for states of incidents, in several languages."""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml
from pydantic import TypeAdapter

from features.domain.report import Status

_NO_LETTER_OR_DIGIT = re.compile(r"[\W_]+")
_LEADING_NUMBER = re.compile(r"^\d+ (?=\D)")
_TABLE = TypeAdapter(dict[Status, dict[str, list[list[str]]]])


def status_of(value: str) -> Status | None:
    """Return what a state says, None if its words are not known.

    >>> status_of("Waiting for vendor"), status_of("6 - Geschlossen"), status_of("Frobbed")
    (<Status.OPEN: 'open'>, <Status.RESOLVED: 'resolved'>, None)
    """
    words = _LEADING_NUMBER.sub("", state_key(value)).split()
    beginnings = (" ".join(words[:count]) for count in range(len(words), 0, -1))
    return next((_words()[text] for text in beginnings if text in _words()), None)


def state_key(value: str) -> str:
    """Return a state without case, accents and punctuation.

    >>> state_key("Re-Opened"), state_key("Clôturé")
    ('re opened', 'cloture')
    """
    decomposed = unicodedata.normalize("NFKD", value.casefold())
    letters = "".join(mark for mark in decomposed if not unicodedata.combining(mark))
    return _NO_LETTER_OR_DIGIT.sub(" ", letters).strip()


@cache
def _words() -> Mapping[str, Status]:
    file = files(__package__).joinpath("state_words.yaml")
    table = _TABLE.validate_python(yaml.safe_load(file.read_text(encoding="utf-8")))
    return {
        state_key(word): status
        for status, languages in table.items()
        for lists in languages.values()
        for words in lists
        for word in words
    }
