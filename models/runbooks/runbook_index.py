"""Runbooks prepared for comparison with reports, and their past uses."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from features.domain.report import IncidentReport
from features.domain.runbook import Runbook
from features.encoding.encoder import Encoder, Vectors
from models.runbooks.bm25 import BM25
from models.runbooks.page_outline import PageTopics
from models.runbooks.passages import (
    Passage,
    RunbookQuery,
    bigrams,
    body_terms,
    lead_terms,
    name_terms,
    names_of,
    own_names,
    passages_of,
    read_report,
)
from models.runbooks.section_names import alert_names

Floats = NDArray[np.float64]
_EncodedQuery = tuple[RunbookQuery, Vectors]

_MOST_NAMESAKES = 3


@dataclass(frozen=True, slots=True)
class RunbookUse:
    """A past incident for which a runbook was used.

    `helped` is the feedback on whether the runbook helped, None without feedback.
    """

    report: IncidentReport
    runbook_id: str
    helped: bool | None = None


class RunbookIndex:
    """The encoded runbooks of a tenant; derived from the store, and never part of an artifact.

    An index is never changed; other runbooks or uses need a new index. `encoder` encodes the
    reports of queries. `caching_encoder`, if given, encodes runbooks and the reports of past uses,
    and may cache their vectors on disk.

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
        caching_encoder: Encoder | None = None,
    ) -> None:
        self.runbooks = tuple(runbooks)
        self.encoder = encoder
        self._caching_encoder = caching_encoder or encoder
        self._topics: dict[int, PageTopics] = {}
        self.passages: tuple[Passage, ...]
        self.names = _distinctive_names([names_of(runbook) for runbook in self.runbooks])
        self.own_names = [own_names(runbook) for runbook in self.runbooks]
        self.alert_names = _distinctive_names([alert_names(runbook) for runbook in self.runbooks])
        names = [name_terms(runbook) for runbook in self.runbooks]
        self.name_vocabulary = frozenset(chain.from_iterable(names))
        bodies = [body_terms(runbook) for runbook in self.runbooks]
        self.name_field = BM25(length_weight=0.3).fit(names)
        self.body_field = BM25().fit(bodies)
        self.pair_field = BM25().fit([bigrams(body) for body in bodies])
        self.lead_field = BM25().fit([lead_terms(runbook) for runbook in self.runbooks])
        self._encode_passages()
        self.past = PastUses(self.runbooks, self._caching_encoder, uses)

    def __len__(self) -> int:
        return len(self.runbooks)

    def with_uses(self, uses: Iterable[RunbookUse]) -> "RunbookIndex":
        """Return a copy of the index with other uses; only new reports of uses are encoded."""
        uses = tuple(uses)
        if uses == self.past.all_uses:
            return self
        index = object.__new__(RunbookIndex)
        index.__dict__ = dict(self.__dict__)
        index.past = PastUses(self.runbooks, self._caching_encoder, uses, self.past)
        return index

    def without_incidents(self, ids: Collection[str]) -> "RunbookIndex":
        """Return an index without the uses for these incidents; encodes nothing."""
        if not ids:
            return self
        return self.with_uses(use for use in self.past.all_uses if use.report.id not in ids)

    def topics(self, row: int) -> PageTopics:
        """Return the topics of a runbook's page; they are found when first needed."""
        if row not in self._topics:
            self._topics[row] = PageTopics(self.runbooks[row])
        return self._topics[row]

    def _encode_passages(self) -> None:
        rows_and_passages = [
            (row, passage)
            for row, runbook in enumerate(self.runbooks)
            for passage in passages_of(runbook)
        ]
        self.passages = tuple(passage for _, passage in rows_and_passages)
        self.owners = np.array([row for row, _ in rows_and_passages], dtype=np.int64)
        width = self.encoder.dimension
        texts = [passage.text for passage in self.passages]
        self.vectors = self._caching_encoder.encode(texts).reshape(-1, width)
        sums = np.zeros((len(self.runbooks), width))
        np.add.at(sums, self.owners, self.vectors)
        self.means = _unit(sums)


class PastUses:
    """Which runbook was used for which past incident.

    Uses of runbooks that are not in the index are ignored, except in `all_uses`. Reports that
    `before` contains are not encoded again.
    """

    def __init__(
        self,
        runbooks: Sequence[Runbook],
        encoder: Encoder,
        uses: Iterable[RunbookUse],
        before: "PastUses | None" = None,
    ) -> None:
        rows = {runbook.id: row for row, runbook in enumerate(runbooks)}
        self.all_uses = tuple(uses)
        self.uses = tuple(use for use in self.all_uses if use.runbook_id in rows)
        self.rows = np.array([rows[use.runbook_id] for use in self.uses], dtype=np.int64)
        self.helped = np.array([use.helped is not False for use in self.uses], dtype=bool)
        self._ids = np.array([use.report.id for use in self.uses], dtype=object)
        self._opened = np.array([_opening_time(use.report, -np.inf) for use in self.uses])
        contents = [_content(use.report) for use in self.uses]
        reports = dict(zip(contents, (use.report for use in self.uses), strict=True))
        cached = {} if before is None else before._queries
        self._queries: dict[str, _EncodedQuery] = _encode_queries(reports, cached, encoder)
        queries = [self._queries[content] for content in contents]
        self.words = BM25(length_weight=0.0).fit([query.words for query, _ in queries])
        vectors = np.array([vector for _, vector in queries], dtype=np.float32)
        self.vectors: Vectors = vectors.reshape(-1, encoder.dimension)

    def is_before(self, report: IncidentReport) -> NDArray[np.bool_]:
        """Tell which uses are for other incidents that were opened before a report.

        Without an opening time, a use counts as the earliest, and the report as the latest.
        """
        is_earlier = self._opened < _opening_time(report, np.inf)
        return np.asarray(is_earlier & (self._ids != report.id), dtype=np.bool_)

    def likeness(self, query: RunbookQuery, vector: Vectors) -> Floats:
        """Return the similarity of a report to the report of each use, in 0..1."""
        word_scores = np.minimum(self.words.score(query.words), 1)
        means = (self.vectors @ vector + word_scores) / 2
        return np.asarray(np.clip(means, 0.0, 1.0), dtype=np.float64)


def _encode_queries(
    reports: Mapping[str, IncidentReport], cached: Mapping[str, _EncodedQuery], encoder: Encoder
) -> dict[str, _EncodedQuery]:
    """Return the query and the vector of each report; `cached` queries and vectors are reused."""
    new = {key: read_report(report) for key, report in reports.items() if key not in cached}
    encoded = {key: cached[key] for key in reports if key in cached}
    if new:
        # Vectors are copied, because a view would keep the vectors of the whole batch in memory.
        vectors = map(np.copy, encoder.encode([query.text for query in new.values()]))
        encoded |= zip(new, zip(new.values(), vectors, strict=True), strict=True)
    return encoded


def _opening_time(report: IncidentReport, unknown: float) -> float:
    return unknown if report.opened_at is None else report.opened_at.timestamp()


def _content(report: IncidentReport) -> str:
    facts = sorted(report.attributes.items())
    return repr((report.title, report.description, report.service, facts))


def _distinctive_names(names: Sequence[frozenset[str]]) -> list[frozenset[str]]:
    """Return each runbook's names without those that more than 3 runbooks have, e.g. `Alerts`."""
    counts = Counter(chain.from_iterable(names))
    return [
        frozenset(name for name in own_names if counts[name] <= _MOST_NAMESAKES)
        for own_names in names
    ]


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), dtype=np.float64)
