"""Reports without one of their words or facts, encoded anew."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from features.domain.report import IncidentReport
from features.encoding.encoded_reports import EncodedReports
from features.encoding.token_counts import (
    CHARACTERS_READ,
    Columns,
    character_columns,
    stack_counts,
    token_columns,
    with_pairs,
    words_of,
)
from features.text.cleaning import clean_text, incident_text
from models.classification.scorers.scorer import Rows

_WORD_OR_REST = re.compile(r"\w+|\W+")


@dataclass(frozen=True, slots=True)
class ReadReport:
    """A report's cleaned text and title, and the words of both."""

    text: str
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
    return ReadReport(text, tuple(words_of(text)), tuple(words_of(clean_text(report.title))))


def encode_without_words(
    encoded: EncodedReports, reports: Sequence[ReadReport], removals: Sequence[Removal]
) -> EncodedReports:
    """Encode reports without a word each; sentence vectors and facts are kept.

    `encoded` are the reports as they are. The result has one row for each removal.
    """
    columns = [
        encoded.once(
            ("without", removal.row, removal.word),
            partial(_columns_without, reports[removal.row], removal.word or ""),
        )
        for removal in removals
    ]
    rows = _rows_of(removals)
    kept = _keep(encoded, rows)
    words, titles, characters = zip(*columns, strict=True)
    reads_characters = encoded.characters.nnz > 0
    return replace(
        kept,
        words=stack_counts(words),
        titles=stack_counts(titles),
        characters=stack_counts(characters) if reads_characters else encoded.characters[rows],
    )


def encode_without_facts(encoded: EncodedReports, removals: Sequence[Removal]) -> EncodedReports:
    """Encode reports without a fact each; everything else is kept.

    `encoded` are the reports as they are. The result has one row for each removal.
    """
    facts = tuple(
        {name: value for name, value in encoded.facts[removal.row].items() if name != removal.fact}
        for removal in removals
    )
    return replace(encoded.take(_rows_of(removals)), facts=facts)


def _rows_of(removals: Sequence[Removal]) -> Rows:
    return np.array([removal.row for removal in removals], dtype=np.int64)


def _keep(encoded: EncodedReports, rows: Rows) -> EncodedReports:
    """Return the vectors and facts of some rows, beside the counts of all rows."""
    return replace(
        encoded,
        vectors=encoded.vectors[rows],
        facts=tuple(encoded.facts[row] for row in rows),
        adapted_vectors=encoded.adapted_vectors[rows]
        if len(encoded.adapted_vectors)
        else encoded.adapted_vectors,
        memo={},
    )


def _columns_without(report: ReadReport, word: str) -> tuple[Columns, Columns, Columns]:
    """Return the columns of words, title words and characters without a word."""
    words = [other for other in report.words if other != word]
    title_words = [other for other in report.title_words if other != word]
    return (
        token_columns(with_pairs(words)),
        token_columns(title_words),
        character_columns(_beginning_without(report.text, word)),
    )


def _beginning_without(text: str, word: str) -> str:
    """Return the beginning of a text in which a space stands for each occurrence of a word."""
    parts, length = [], 0
    for match in _WORD_OR_REST.finditer(text):
        part = match.group()
        parts.append(" " if part.lower() == word else part)
        length += len(parts[-1])
        if length >= CHARACTERS_READ:
            break
    return "".join(parts)
