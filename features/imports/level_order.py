"""The order of severity levels: stated by the mapping, or inferred if it is clear."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files

import yaml
from pydantic import TypeAdapter

_NUMBERED = re.compile(r"(?:p|s|sev|severity|prio|priority)?[\s_-]*(\d{1,2})(?!\d)", re.IGNORECASE)
_NO_LETTERS = re.compile(r"[\W\d_]+")
_MIN_RANKED = 0.9
_TABLE = TypeAdapter(dict[str, list[list[str]]])


def order_levels(values: Iterable[str | None], stated: Sequence[str]) -> tuple[str, ...]:
    """Return the levels, least severe first, as the history spells them.

    Without a stated order, the order is inferred from words (`low`, `high`) or else from numbers,
    where lower numbers are more severe. An inferred order needs a scale that covers nine tenths
    of the values and gives two or more levels different ranks; without such a scale the result is
    empty.

    >>> order_levels(["P1", "P3", "P2", "P3"], stated=())
    ('P3', 'P2', 'P1')
    """
    counts = Counter(value for value in values if value is not None)
    if stated:
        return tuple(spelled_as(level, counts) for level in stated)
    for ranks in (*(_word_ranks(counts, scale) for scale in _scales()), _number_ranks(counts)):
        ranked = sum(counts[level] for level in ranks)
        if len(set(ranks.values())) == len(ranks) > 1 and ranked >= _MIN_RANKED * counts.total():
            return tuple(sorted(ranks, key=lambda level: ranks[level]))
    return ()


def spelled_as(level: str, counts: Counter[str]) -> str:
    """Return a level as the history spells it, unchanged if the history does not have it.

    >>> spelled_as("high", Counter(["HIGH", "High", "High"]))
    'High'
    """
    if level in counts:
        return level
    spellings = [value for value in counts if value.casefold() == level.strip().casefold()]
    return max(spellings, key=lambda value: counts[value], default=level)


@cache
def _scales() -> list[dict[str, int]]:
    """Return the rank of each word, by scale."""
    file = files(__package__).joinpath("level_words.yaml")
    table = _TABLE.validate_python(yaml.safe_load(file.read_text(encoding="utf-8")))
    return [
        {_letters(word): rank for rank, words in enumerate(scale) for word in words}
        for scale in table.values()
    ]


def _word_ranks(levels: Iterable[str], rank_of: Mapping[str, int]) -> dict[str, int]:
    words = {level: _letters(level) for level in levels}
    return {level: rank_of[word] for level, word in words.items() if word in rank_of}


def _letters(word: str) -> str:
    """Return a word in lower case, without accents and all that is no letter."""
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    letters = "".join(mark for mark in decomposed if not unicodedata.combining(mark))
    return _NO_LETTERS.sub(" ", letters).strip()


def _number_ranks(levels: Iterable[str]) -> dict[str, int]:
    matches = {level: _NUMBERED.match(level.strip()) for level in levels}
    return {level: -int(match[1]) for level, match in matches.items() if match is not None}
