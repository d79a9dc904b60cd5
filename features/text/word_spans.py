"""Finds the words of a raw text as people wrote them, with their places."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from features.text.tokens import terms_of

_WORD = re.compile(r"\w(?:[^\s,;()\[\]{}<>\"]*\w)?")
_LONGEST_WORD = 400


@dataclass(frozen=True, slots=True)
class WordSpan:
    """A word as written, at the characters `start` to `end` (exclusive) of its text."""

    text: str
    start: int
    end: int


def words_of(text: str) -> Iterator[WordSpan]:
    """Yield the words of a raw text in order, without the punctuation around them.

    >>> [word.text for word in words_of("Latency of /api/v2 is 850ms, KubePod-7 (eu) waits.")]
    ['Latency', 'of', 'api/v2', 'is', '850ms', 'KubePod-7', 'eu', 'waits']
    """
    for match in _WORD.finditer(text):
        yield WordSpan(match[0], match.start(), match.end())


def first_words(text: str, terms: Collection[str]) -> dict[str, WordSpan]:
    """Return for each term (see `terms_of`) the first word of a raw text that contains it.

    >>> first_words("Everything waits: 850ms latencies", {"latenc", "wait"})["latenc"].text
    'latencies'
    """
    words: dict[str, WordSpan] = {}
    missing = set(terms)
    for word in words_of(text):
        if not missing:
            break
        for term in missing.intersection(terms_of(word.text[:_LONGEST_WORD])):
            words[term] = word
        missing -= words.keys()
    return words
