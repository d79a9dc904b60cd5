"""Reports without one of their words or facts, encoded anew."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from features.domain.report import IncidentReport
from features.encoding.encoded_reports import EncodedReports
from features.encoding.token_counts import (
    CHARACTERS_READ,
    Columns,
    character_columns,
    no_counts,
    stack_counts,
    token_columns,
    with_pairs,
    words_of,
)
from features.text.cleaning import clean_text, incident_text

_WORD_OR_REST = re.compile(r"\w+|\W+")


@dataclass(frozen=True, slots=True)
class ReadReport:
    """The words of a report's cleaned text and title.

    `beginning` is the beginning of the text, in alternating words and what is between them.
    """

    beginning: tuple[str, ...]
    words: tuple[str, ...]
    title_words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Removal:
    """A word or a fact that is removed from the report at row `row`."""

    row: int
    word: str | None = None
    fact: str | None = None


def read_report(report: IncidentReport) -> ReadReport:
    """Read the words of a report's title and text."""
    text = incident_text(report)
    # Each part has a character or more, so more parts are never read.
    parts = (match[0] for match in islice(_WORD_OR_REST.finditer(text), CHARACTERS_READ))
    title_words = words_of(clean_text(report.title))
    return ReadReport(tuple(parts), tuple(words_of(text)), tuple(title_words))


def encode_without(
    encoded: EncodedReports, reports: Sequence[ReadReport], removals: Sequence[Removal]
) -> EncodedReports:
    """Encode reports without a word or a fact each; sentence vectors are kept.

    `encoded` are the reports as they are. The result has one row for each removal.
    """
    rows = np.array([removal.row for removal in removals], dtype=np.int64)
    known: dict[str, Columns] = {}
    columns: dict[tuple[int, str | None], tuple[Columns, Columns, Columns]] = {}
    for removal in removals:
        key = (removal.row, removal.word)
        if key not in columns:
            columns[key] = _columns_without(reports[removal.row], removal.word, known)
    words, titles, characters = zip(
        *(columns[removal.row, removal.word] for removal in removals), strict=True
    )
    has_adapted = len(encoded.adapted_vectors) > 0
    return EncodedReports(
        words=stack_counts(words),
        titles=stack_counts(titles),
        characters=stack_counts(characters) if encoded.characters.nnz else no_counts(len(rows)),
        vectors=encoded.vectors[rows],
        facts=tuple(
            {name: value for name, value in encoded.facts[row].items() if name != removal.fact}
            for row, removal in zip(rows, removals, strict=True)
        ),
        adapted_vectors=encoded.adapted_vectors[rows] if has_adapted else encoded.adapted_vectors,
    )


def _columns_without(
    report: ReadReport, word: str | None, known: dict[str, Columns]
) -> tuple[Columns, Columns, Columns]:
    """Return the columns of words, title words and characters without a word, if one is given."""
    words = [other for other in report.words if other != word]
    title_words = [other for other in report.title_words if other != word]
    return (
        token_columns(with_pairs(words)),
        token_columns(title_words),
        character_columns(_beginning_without(report, word), known),
    )


def _beginning_without(report: ReadReport, word: str | None) -> str:
    """Return the beginning of a text in which a space stands for each occurrence of a word."""
    return "".join(" " if part.lower() == word else part for part in report.beginning)
