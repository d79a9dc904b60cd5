"""Encodes reports into the numbers that all models start from; nothing here is learned."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeVar, overload

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from features.domain.report import IncidentReport
from features.encoding.encoder import Vectors
from features.encoding.encoder_weights import open_encoder
from features.encoding.token_counts import (
    count_characters,
    count_single_words,
    count_words,
    no_counts,
)
from features.text.cleaning import clean_text, incident_text

Facts = tuple[dict[str, str], ...]
Result = TypeVar("Result")


def _no_vectors() -> Vectors:
    return np.empty((0, 0), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class EncodedReports:
    """Reports as hashed token counts, sentence vectors and facts, one row per report.

    `words`, `titles` and `characters` have shape (reports, TOKEN_COLUMNS). Hashing (Weinberger et
    al. 2009) needs no vocabulary, so the counts hold no words of a customer. `adapted_vectors` come
    from an encoder that was adapted to labels; they are empty unless an adapted encoder is given.
    """

    words: csr_array
    titles: csr_array
    characters: csr_array
    vectors: Vectors
    facts: Facts
    adapted_vectors: Vectors = field(default_factory=_no_vectors)
    memo: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)
    """Results that several models share, by the key of what computed them: see `once`."""

    def once(self, key: Hashable, compute: Callable[[], Result]) -> Result:
        """Return what `compute` returns, computing it once for all callers with the same key."""
        if key not in self.memo:
            self.memo[key] = compute()
        result: Result = self.memo[key]
        return result

    def __len__(self) -> int:
        return len(self.facts)

    def take(self, rows: NDArray[np.int64]) -> Self:
        """Return the reports of these rows."""
        return type(self)(
            words=self.words[rows],
            titles=self.titles[rows],
            characters=self.characters[rows],
            vectors=self.vectors[rows],
            facts=tuple(self.facts[row] for row in rows),
            adapted_vectors=self.adapted_vectors[rows]
            if len(self.adapted_vectors)
            else _no_vectors(),
        )


class ReportBatch(Sequence[IncidentReport]):
    """Reports for several models, whose shared encodings are computed only once.

    >>> batch = ReportBatch([IncidentReport(id="1", title="disk full")])
    >>> options = {"encoder": "hashing", "reads_characters": False}
    >>> encode_reports(batch, **options) is encode_reports(batch, **options)
    True
    """

    def __init__(self, reports: Sequence[IncidentReport]) -> None:
        self._reports = tuple(reports)
        self.encoded: dict[tuple[str, bool], EncodedReports] = {}

    def __len__(self) -> int:
        return len(self._reports)

    def take(self, start: int, stop: int) -> "ReportBatch":
        """Return the reports from `start` up to, not including, `stop`, with their encodings."""
        part = ReportBatch(self._reports[start:stop])
        rows = np.arange(start, min(stop, len(self)))
        part.encoded = {key: encoded.take(rows) for key, encoded in self.encoded.items()}
        return part

    @overload
    def __getitem__(self, index: int) -> IncidentReport: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[IncidentReport]: ...
    def __getitem__(self, index: int | slice) -> IncidentReport | Sequence[IncidentReport]:
        return self._reports[index]


def encode_reports(
    reports: Sequence[IncidentReport],
    *,
    encoder: str,
    reads_characters: bool,
    adapted_encoder: str | None = None,
) -> EncodedReports:
    """Encode reports; `encoder` and `adapted_encoder` are references of encoders.

    Without `reads_characters` the character counts are zero.
    """
    encoded = _encode_once(reports, encoder, reads_characters)
    if adapted_encoder is None:
        return encoded
    texts = [incident_text(report) for report in reports]
    return replace(encoded, adapted_vectors=open_encoder(adapted_encoder).encode(texts))


def _encode_once(
    reports: Sequence[IncidentReport], encoder: str, reads_characters: bool
) -> EncodedReports:
    if not isinstance(reports, ReportBatch):
        return _encode(reports, encoder, reads_characters)
    key = (encoder, reads_characters)
    if key not in reports.encoded:
        reports.encoded[key] = _encode(reports, encoder, reads_characters)
    return reports.encoded[key]


def _encode(
    reports: Sequence[IncidentReport], encoder: str, reads_characters: bool
) -> EncodedReports:
    texts = [incident_text(report) for report in reports]
    return EncodedReports(
        words=count_words(texts),
        titles=count_single_words([clean_text(report.title) for report in reports]),
        characters=count_characters(texts) if reads_characters else no_counts(len(texts)),
        vectors=open_encoder(encoder).encode(texts),
        facts=tuple(_facts(report) for report in reports),
    )


def _facts(report: IncidentReport) -> dict[str, str]:
    facts = {"service": report.service, "source": report.source, **report.attributes}
    return {name: value for name, value in facts.items() if value}
