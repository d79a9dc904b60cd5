"""Runbooks ready to be compared with reports, and when each of them was used."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.domain.report import IncidentReport
from features.domain.runbook import Runbook
from features.encoding.encoder import Encoder, Vectors
from models.runbooks.bm25 import BM25
from models.runbooks.passages import (
    Passage,
    RunbookQuery,
    bigrams,
    body_terms,
    lead_terms,
    name_terms,
    names_of,
    passages_of,
    read_report,
)

Floats = NDArray[np.float64]
_Read = tuple[RunbookQuery, Vectors]

_MOST_NAMESAKES = 3


@dataclass(frozen=True, slots=True)
class RunbookUse:
    """A past incident for which a runbook was used; `helped` is what people said of it."""

    report: IncidentReport
    runbook_id: str
    helped: bool | None = None


class RunbookIndex:
    """The runbooks of a tenant, encoded; state that is derived from the store, never an artifact.

    It does not change: an index with other runbooks or uses is another one. `encoder` reads the
    reports that are asked about; what the index holds is encoded by `keeping` if given, which may
    keep it on disk.

    >>> from features.encoding.encoder import HashingEncoder
    >>> index = RunbookIndex([Runbook("disk/full", "Disk full")], HashingEncoder())
    >>> len(index)
    1
    """

    def __init__(
        self,
        runbooks: Sequence[Runbook],
        encoder: Encoder,
        uses: Iterable[RunbookUse] = (),
        *,
        keeping: Encoder | None = None,
    ) -> None:
        self.runbooks = tuple(runbooks)
        self.encoder = encoder
        self._keeping = keeping or encoder
        self.passages: tuple[Passage, ...]
        self.names = _telling_names([names_of(one) for one in self.runbooks])
        bodies = [body_terms(one) for one in self.runbooks]
        self.name_field = BM25(length_weight=0.3).fit([name_terms(r) for r in self.runbooks])
        self.body_field = BM25().fit(bodies)
        self.pair_field = BM25().fit([bigrams(body) for body in bodies])
        self.lead_field = BM25().fit([lead_terms(one) for one in self.runbooks])
        self._encode_passages()
        self.past = PastUses(self.runbooks, self._keeping, uses)

    def __len__(self) -> int:
        return len(self.runbooks)

    def used(self, uses: Iterable[RunbookUse]) -> "RunbookIndex":
        """Return this index with other uses; only what is new is read and encoded."""
        uses = tuple(uses)
        if uses == self.past.asked:
            return self
        other = object.__new__(RunbookIndex)
        other.__dict__ = dict(self.__dict__)
        other.past = PastUses(self.runbooks, self._keeping, uses, self.past)
        return other

    def without(self, incident_ids: Collection[str]) -> "RunbookIndex":
        """Return this index without the uses for these incidents; encodes nothing."""
        return self.used(use for use in self.past.asked if use.report.id not in incident_ids)

    def _encode_passages(self) -> None:
        cut = [(row, one) for row, book in enumerate(self.runbooks) for one in passages_of(book)]
        self.passages = tuple(passage for _, passage in cut)
        self.owners = np.array([row for row, _ in cut], dtype=np.int64)
        width = self.encoder.dimension
        texts = [passage.text for passage in self.passages]
        self.vectors = self._keeping.encode(texts).reshape(-1, width)
        sums = np.zeros((len(self.runbooks), width))
        np.add.at(sums, self.owners, self.vectors)
        self.means = _unit(sums)


class PastUses:
    """Which past incidents used which runbook; what `before` has read is not read again."""

    def __init__(
        self,
        runbooks: Sequence[Runbook],
        encoder: Encoder,
        uses: Iterable[RunbookUse],
        before: "PastUses | None" = None,
    ) -> None:
        rows = {runbook.id: row for row, runbook in enumerate(runbooks)}
        self.asked = tuple(uses)
        self.uses = tuple(use for use in self.asked if use.runbook_id in rows)
        self.rows = np.array([rows[use.runbook_id] for use in self.uses], dtype=np.int64)
        self.helped = np.array([use.helped is not False for use in self.uses], dtype=bool)
        self._ids = np.array([use.report.id for use in self.uses], dtype=object)
        self._opened = np.array([_moment(use.report, -np.inf) for use in self.uses])
        contents = [_content(use.report) for use in self.uses]
        reports = dict(zip(contents, (use.report for use in self.uses), strict=True))
        known = {} if before is None else before._read
        self._read: dict[str, _Read] = _read_new(reports, known, encoder)
        read = [self._read[content] for content in contents]
        self.words = BM25(length_weight=0.0).fit([one.words for one, _ in read])
        vectors = np.array([vector for _, vector in read], dtype=np.float32)
        self.vectors: Vectors = vectors.reshape(-1, encoder.dimension)

    def known_to(self, report: IncidentReport) -> NDArray[np.bool_]:
        """Tell which uses were known when a report came in; its own never was."""
        is_earlier = self._opened < _moment(report, np.inf)
        return np.asarray(is_earlier & (self._ids != report.id), dtype=np.bool_)

    def likeness(self, question: RunbookQuery, vector: Floats) -> Floats:
        """Return in 0..1 how like a report is to that of each use."""
        alike = (self.vectors @ vector + np.minimum(self.words.score(question.words), 1)) / 2
        return np.asarray(np.clip(alike, 0.0, 1.0), dtype=np.float64)


def _read_new(
    reports: Mapping[str, IncidentReport], known: Mapping[str, _Read], encoder: Encoder
) -> dict[str, _Read]:
    """Return what was read of each report and its vector; what is known is taken over."""
    new = {at: read_report(one) for at, one in reports.items() if at not in known}
    read = {at: known[at] for at in reports if at in known}
    if new:
        # Copies, so that one that is dropped does not live on beside the others.
        vectors = map(np.copy, encoder.encode([one.text for one in new.values()]))
        read |= zip(new, zip(new.values(), vectors, strict=True), strict=True)
    return read


def _moment(report: IncidentReport, unknown: float) -> float:
    return unknown if report.opened_at is None else report.opened_at.timestamp()


def _content(report: IncidentReport) -> str:
    facts = sorted(report.attributes.items())
    return repr((report.title, report.description, report.service, facts))


def _telling_names(names: Sequence[frozenset[str]]) -> list[frozenset[str]]:
    """Keep the names that few runbooks have; a heading of many, such as `Alerts`, is none."""
    holders = Counter(name for each in names for name in each)
    return [frozenset(name for name in each if holders[name] <= _MOST_NAMESAKES) for each in names]


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), dtype=np.float64)
