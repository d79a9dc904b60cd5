"""An in-memory index of a tenant's past incidents, which can be rebuilt from the store."""

from collections.abc import Iterable, Sequence
from threading import RLock

import numpy as np

from features.domain.report import Outcome, ResolvedIncident
from features.encoding.encoder import Encoder, Vectors
from features.search.candidates import UNKNOWN_TIME, Candidates, IndexStatistics
from features.search.lexical_index import LexicalIndex
from features.search.query import NO_SERVICE, SearchView, view_reports
from features.search.ragged_array import Hashes, RaggedRows, Slots, grown
from features.search.vector_index import Flags, PackedVectors, VectorIndex
from features.text.resolutions import documentation
from features.text.tokens import TERM_BUCKETS

_CANDIDATES = 100
_COLUMNS = np.dtype(
    [
        ("opened", np.int64),
        ("service", np.int32),
        ("documentation", np.int8),
        ("is_open", np.bool_),
        ("is_used", np.bool_),
    ]
)


class IncidentIndex:
    """Finds candidates by words and by vectors; it is safe to use from several threads.

    >>> from features.encoding.encoder import HashingEncoder
    >>> from features.domain.report import IncidentReport
    >>> index = IncidentIndex(HashingEncoder())
    >>> index.upsert([ResolvedIncident(IncidentReport(id="A", title="disk full"), Outcome())])
    >>> view = view_reports([IncidentReport(id="B", title="disk is full")], index.encoder)[0]
    >>> index.candidates(view).ids
    ('A',)
    """

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self._lock = RLock()
        self._slots: dict[str, int] = {}
        self._free: list[int] = []
        self._ids: list[str] = []
        self._lexical = LexicalIndex()
        self._texts = VectorIndex(encoder.dimension)
        self._titles = PackedVectors(encoder.dimension)
        self._rows = {name: RaggedRows() for name in ("title_terms", "text_terms", "facts")}
        self._signatures = RaggedRows()
        self._columns = np.zeros(0, dtype=_COLUMNS)
        self._counts = {name: np.zeros(TERM_BUCKETS, dtype=np.int32) for name in self._rows}
        self._services = np.zeros(TERM_BUCKETS, dtype=np.int32)
        self._sum = np.zeros(encoder.dimension)

    def __len__(self) -> int:
        return len(self._slots)

    def __contains__(self, id: object) -> bool:  # noqa: A002
        return id in self._slots

    def upsert(self, incidents: Sequence[ResolvedIncident]) -> None:
        """Add incidents; an incident replaces the indexed one with the same id."""
        unique = list({incident.report.id: incident for incident in incidents}.values())
        views = view_reports([incident.report for incident in unique], self.encoder)
        with self._lock:
            self._remove([view.id for view in views])
            slots = [self._take_slot(view.id) for view in views]
            for slot, view, incident in zip(slots, views, unique, strict=True):
                self._put(slot, view, incident.outcome)
            self._put_vectors(np.array(slots, dtype=np.int64), views)
            self._lexical.put(
                (slot, view.opened, view.words) for slot, view in zip(slots, views, strict=True)
            )

    def remove(self, ids: Iterable[str]) -> None:
        """Remove incidents; unknown ids are ignored."""
        with self._lock:
            self._lexical.remove(self._remove(ids))

    def candidates(self, view: SearchView, count: int = _CANDIDATES) -> Candidates:
        """Return the union of the `count` best incidents by words and the `count` best by vectors.

        The search covers the incidents that were opened strictly before the report, or all if the
        report has no time; it never covers the report itself. Incidents of unknown time come from
        an export, so they count as earlier.
        """
        with self._lock:
            is_allowed = self._columns["is_used"][: len(self._ids)].copy()
            if view.opened is not None:
                is_allowed &= self._columns["opened"][: len(is_allowed)] < view.opened
            if view.id in self._slots:
                is_allowed[self._slots[view.id]] = False
            return self._gather(self._search(view, count, is_allowed))

    def text_vectors(self, ids: Sequence[str]) -> Vectors:
        """Return one text vector per id, zeros for an incident that is not indexed."""
        vectors = np.zeros((len(ids), self.encoder.dimension), dtype=np.float32)
        with self._lock:
            slots = np.array([self._slots.get(id_, -1) for id_ in ids], dtype=np.int64)
            vectors[slots >= 0] = self._texts.packed.rows(slots[slots >= 0])
        return vectors

    def statistics(self) -> IndexStatistics:
        """Return the statistics; the counts per term, fact and service change with the index."""
        return IndexStatistics(
            count=len(self._slots),
            title_terms=self._counts["title_terms"],
            text_terms=self._counts["text_terms"],
            facts=self._counts["facts"],
            services=self._services,
            text_centre=(self._sum / max(1, len(self._slots))).astype(np.float32),
        )

    def _search(self, view: SearchView, count: int, is_allowed: Flags) -> Slots:
        by_words = self._lexical.search(view.words, count=count + 1, before=view.opened)
        by_words = by_words[is_allowed[by_words]][:count]
        by_vector = self._texts.search(view.text_vector, count=count, is_allowed=is_allowed)
        return np.unique(np.concatenate([by_words, by_vector]))

    def _gather(self, slots: Slots) -> Candidates:
        columns = self._columns[slots]
        return Candidates(
            ids=tuple(self._ids[slot] for slot in slots),
            opened=columns["opened"],
            title_vectors=self._titles.rows(slots),
            text_vectors=self._texts.packed.rows(slots),
            title_terms=self._rows["title_terms"].gather(slots),
            text_terms=self._rows["text_terms"].gather(slots),
            facts=self._rows["facts"].gather(slots),
            signatures=self._signatures.gather(slots),
            services=columns["service"].astype(np.int64),
            documentation=columns["documentation"].astype(np.int64),
            is_open=columns["is_open"],
        )

    def _take_slot(self, id: str) -> int:  # noqa: A002
        slot = self._free.pop() if self._free else len(self._ids)
        if slot == len(self._ids):
            self._ids.append(id)
        self._ids[slot] = id
        self._slots[id] = slot
        while slot >= len(self._columns):
            self._columns = grown(self._columns)
        return slot

    def _put(self, slot: int, view: SearchView, outcome: Outcome) -> None:
        self._columns[slot] = (
            UNKNOWN_TIME if view.opened is None else view.opened,
            view.service,
            documentation(outcome.resolution),
            outcome.is_open,
            True,
        )
        for name, buckets in _rows_of(view).items():
            self._rows[name].put(slot, buckets)
            self._counts[name][buckets] += 1
        self._signatures.put(slot, view.signatures)
        if view.service != NO_SERVICE:
            self._services[view.service] += 1

    def _put_vectors(self, slots: Slots, views: Sequence[SearchView]) -> None:
        if not views:
            return
        self._texts.put(slots, np.array([view.text_vector for view in views]))
        self._titles.put(slots, np.array([view.title_vector for view in views]))
        self._sum += self._texts.packed.rows(slots).sum(axis=0)

    def _remove(self, ids: Iterable[str]) -> list[int]:
        indexed_ids = [id_ for id_ in dict.fromkeys(ids) if id_ in self._slots]
        slots = [self._slots.pop(id_) for id_ in indexed_ids]
        for slot in slots:
            self._clear_slot(slot)
        self._free += slots
        return slots

    def _clear_slot(self, slot: int) -> None:
        for name, rows in self._rows.items():
            self._counts[name][rows.row(slot)] -= 1
            rows.put(slot, _EMPTY_ROW)
        self._signatures.put(slot, _EMPTY_ROW)
        service = self._columns[slot]["service"]
        if service != NO_SERVICE:
            self._services[service] -= 1
        slots = np.array([slot])
        self._sum -= self._texts.packed.rows(slots)[0]
        zeros = np.zeros((1, self.encoder.dimension), dtype=np.float32)
        self._texts.put(slots, zeros)
        self._titles.put(slots, zeros)
        self._columns[slot]["is_used"] = False
        self._ids[slot] = ""


_EMPTY_ROW: Hashes = np.empty(0, dtype=np.uint32)


def _rows_of(view: SearchView) -> dict[str, Hashes]:
    return {
        "title_terms": view.title_terms,
        "text_terms": view.text_terms,
        "facts": view.facts,
    }
