"""Finds the words of a raw text as people wrote them, with their places."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from features.domain.report import IncidentReport
from features.text.tokens import terms_of

_WORD = re.compile(r"\w(?:[^\s,;()\[\]{}<>\"]*\w)?")
_LONGEST_WORD = 400


_LONGEST_READ = 20_000


@dataclass(frozen=True, slots=True)
class WordSpan:
    """A word as written, at the characters `start` to `end` (exclusive) of its text."""

    text: str
    start: int
    end: int


def raw_text(report: IncidentReport) -> str:
    """Return the beginning of a report's title and description, at most 20,000 characters.

    >>> raw_text(IncidentReport(id="1", title="VPN down", description="since noon"))
    'VPN down\\nsince noon'
    """
    return f"{report.title}\n{report.description}"[:_LONGEST_READ]


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
