"""The parts of reports that are compared with a history: vectors, word pieces, terms and facts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.domain.report import IncidentReport
from features.encoding.encoder import Vectors
from features.encoding.encoder_weights import open_encoder
from features.encoding.word_pieces import PieceIds, open_word_pieces
from features.text.cleaning import incident_text
from features.text.tokens import term_ids, terms_of
from features.text.word_spans import raw_text

Rows = NDArray[np.int64]
TermIds = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class ReportParts:
    """The parts of reports, one row per report.

    `vectors` has shape (reports, dimension). `pieces`, `terms` and `facts` hold the different word
    pieces, the buckets of the different terms, and the buckets of the service, the source and the
    attributes. `has_text` tells which reports have any text.
    """

    vectors: Vectors
    pieces: Sequence[PieceIds]
    terms: Sequence[TermIds]
    facts: Sequence[TermIds]
    has_text: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.terms)

    def take(self, rows: Rows) -> "ReportParts":
        """Return the parts of these rows, in their order."""
        return ReportParts(
            self.vectors[rows],
            [self.pieces[row] for row in rows],
            [self.terms[row] for row in rows],
            [self.facts[row] for row in rows],
            self.has_text[rows],
        )


def read_parts(reports: Sequence[IncidentReport], encoder: str) -> ReportParts:
    """Return the parts of reports, encoded by the encoder of this reference."""
    texts = [incident_text(report) for report in reports]
    return ReportParts(
        vectors=open_encoder(encoder).encode(texts),
        pieces=open_word_pieces(encoder).ids(texts),
        terms=[np.unique(term_ids(terms_of(raw_text(report)))) for report in reports],
        facts=[np.unique(term_ids(facts_of(report))) for report in reports],
        has_text=np.array([bool(text) for text in texts], dtype=np.bool_),
    )


def facts_of(report: IncidentReport) -> list[str]:
    """Return the service, the source and the attributes, each as `name=value` in lower case."""
    facts = {"service": report.service, "source": report.source, **report.attributes}
    return [f"{name}={value.lower()}" for name, value in facts.items() if value]
