"""Runbooks ready to be compared with reports, and when each of them was used."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.encoding.encoder import Encoder, Vectors
from features.incident.report import IncidentReport
from features.incident.runbook import Runbook
from models.lexical_field import LexicalField
from models.runbook_text import (
    Passage,
    Question,
    body_terms,
    lead_terms,
    name_terms,
    names_of,
    pairs_of,
    passages_of,
    read_report,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RunbookUse:
    """A past incident for which a runbook was used; `helped` is what people said of it."""

    report: IncidentReport
    runbook_id: str
    helped: bool | None = None


class Shelf:
    """The runbooks of a tenant, encoded; state that is derived from the store, never an artifact.

    It does not change: a shelf with other runbooks or uses is another one.

    >>> from features.encoding.encoder import HashingEncoder
    >>> shelf = Shelf([Runbook("disk/full", "Disk full")], HashingEncoder())
    >>> len(shelf)
    1
    """

    def __init__(
        self, runbooks: Sequence[Runbook], encoder: Encoder, uses: Iterable[RunbookUse] = ()
    ) -> None:
        self.runbooks = tuple(runbooks)
        self.encoder = encoder
        self.passages: tuple[Passage, ...]
        self.names = [names_of(one) for one in self.runbooks]
        bodies = [body_terms(one) for one in self.runbooks]
        self.name_field = LexicalField(length_weight=0.3).fit(
            [name_terms(r) for r in self.runbooks]
        )
        self.body_field = LexicalField().fit(bodies)
        self.pair_field = LexicalField().fit([pairs_of(body) for body in bodies])
        self.lead_field = LexicalField().fit([lead_terms(one) for one in self.runbooks])
        self._encode_passages()
        self.past = PastUses(self.runbooks, encoder, uses)

    def __len__(self) -> int:
        return len(self.runbooks)

    def used(self, uses: Iterable[RunbookUse]) -> "Shelf":
        """Return this shelf with other uses; the runbooks are not encoded again."""
        other = object.__new__(Shelf)
        other.__dict__ = dict(self.__dict__)
        other.past = PastUses(self.runbooks, self.encoder, uses)
        return other

    def _encode_passages(self) -> None:
        cut = [(row, one) for row, book in enumerate(self.runbooks) for one in passages_of(book)]
        self.passages = tuple(passage for _, passage in cut)
        self.owners = np.array([row for row, _ in cut], dtype=np.int64)
        self.vectors = self.encoder.encode([passage.text for passage in self.passages])
        sums = np.zeros((len(self.runbooks), self.encoder.dimension))
        np.add.at(sums, self.owners, self.vectors)
        self.means = _unit(sums)


class PastUses:
    """Which past incidents used which runbook."""

    def __init__(
        self, runbooks: Sequence[Runbook], encoder: Encoder, uses: Iterable[RunbookUse]
    ) -> None:
        rows = {runbook.id: row for row, runbook in enumerate(runbooks)}
        self.uses = tuple(use for use in uses if use.runbook_id in rows)
        self.rows = np.array([rows[use.runbook_id] for use in self.uses], dtype=np.int64)
        self.helped = np.array([use.helped is not False for use in self.uses], dtype=bool)
        questions = [read_report(use.report) for use in self.uses]
        self.words = LexicalField().fit([one.words + one.code for one in questions])
        self.vectors: Vectors = encoder.encode([one.text for one in questions])

    def before(self, report: IncidentReport) -> NDArray[np.bool_]:
        """Tell which uses were known when a report came in; its own never was."""
        return np.array([_is_earlier(use.report, report) for use in self.uses], dtype=bool)

    def likeness(self, question: Question, vector: Floats) -> Floats:
        """Return in 0..1 how like a report is to that of each use."""
        alike = (self.vectors @ vector + np.minimum(self.words.score(question.words), 1)) / 2
        return np.asarray(np.clip(alike, 0.0, 1.0), dtype=np.float64)


def _is_earlier(past: IncidentReport, report: IncidentReport) -> bool:
    if past.id == report.id:
        return False
    if past.opened_at is None or report.opened_at is None:
        return True
    return past.opened_at < report.opened_at


def shelf_texts(runbooks: Iterable[Runbook]) -> list[str]:
    """Return the texts that a shelf will encode, for encoding them ahead."""
    return [passage.text for one in runbooks for passage in passages_of(one)]


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), dtype=np.float64)
