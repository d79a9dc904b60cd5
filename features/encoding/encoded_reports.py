"""Encodes reports into the numbers that all models start from; nothing here is learned."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self, overload

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import HashingVectorizer

from features.domain.report import IncidentReport
from features.encoding.encoder import Vectors
from features.encoding.encoder_weights import open_encoder
from features.text.cleaning import clean_text, incident_text

TOKEN_COLUMNS = 2**20
_CHARACTERS_READ = 300

Facts = tuple[dict[str, str], ...]


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
        words=_count(word_counter(), texts),
        titles=_count(title_counter(), [clean_text(report.title) for report in reports]),
        characters=_count_characters(texts if reads_characters else [""] * len(texts)),
        vectors=open_encoder(encoder).encode(texts),
        facts=tuple(_facts(report) for report in reports),
    )


def encode_edited(
    encoded: EncodedReports, texts: Sequence[str], titles: Sequence[str], facts: Facts
) -> EncodedReports:
    """Encode edited texts, titles and facts, all of them cleaned; the sentence vectors are kept."""
    reads_characters = encoded.characters.nnz > 0
    return replace(
        encoded,
        words=_count(word_counter(), texts),
        titles=_count(title_counter(), titles),
        characters=_count_characters(texts) if reads_characters else encoded.characters,
        facts=facts,
    )


def word_counter() -> HashingVectorizer:
    """Return the vectorizer that counts words and pairs of words."""
    return _counter("word", (1, 2))


def title_counter() -> HashingVectorizer:
    """Return the vectorizer that counts the words of titles."""
    return _counter("word", (1, 1))


def _count_characters(texts: Sequence[str]) -> csr_array:
    return _count(_counter("char_wb", (3, 5)), [text[:_CHARACTERS_READ] for text in texts])


def _counter(analyzer: str, ngrams: tuple[int, int]) -> HashingVectorizer:
    return HashingVectorizer(
        analyzer=analyzer,
        ngram_range=ngrams,
        n_features=TOKEN_COLUMNS,
        alternate_sign=False,
        norm=None,
        dtype=np.float32,
    )


def _count(counter: HashingVectorizer, texts: Sequence[str]) -> csr_array:
    return csr_array(counter.transform(texts))


def _facts(report: IncidentReport) -> dict[str, str]:
    facts = {"service": report.service, "source": report.source, **report.attributes}
    return {name: value for name, value in facts.items() if value}
