"""An in-memory index of a tenant's past incidents, which can be rebuilt from the store."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain, pairwise
from threading import RLock

import numpy as np
from numpy.typing import NDArray

from features.domain.report import Outcome, ResolvedIncident
from features.encoding.encoder import Encoder, Vectors
from features.search.candidates import UNKNOWN_TIME, Candidates, Integers, Recurrences
from features.search.copy_groups import CopyGroups
from features.search.index_file import Arrays, named, part_of, text_array, texts_of
from features.search.lexical_index import LexicalIndex, Terms
from features.search.query import SearchView, view_reports
from features.search.ragged_array import Hashes, Ragged, RaggedRows, Slots, grown
from features.search.vector_index import Flags, PackedVectors, VectorIndex
from features.text.resolutions import Documentation, documentation
from features.text.tokens import term_ids

_CANDIDATES = 100
# Of incidents with equal text, these suffice as candidates: the newest of the best documented ones,
# the newest of all, and the newest open ones.
_NEWEST_OF_A_TEXT = 4
_NEWEST_OPEN_OF_A_TEXT = 3
_RAGGED = ("title_terms", "text_terms", "facts", "signatures")
_COLUMNS = np.dtype(
    [
        ("opened", np.int64),
        ("earliest", np.int64),
        ("id_hash", np.uint32),
        ("service", np.int32),
        ("source", np.int32),
        ("documentation", np.int8),
        ("is_open", np.bool_),
        ("is_first", np.bool_),
    ]
)


class IncidentIndex:
    """Finds candidates by words and by vectors; it is safe to use from several threads.

    Incidents with the same fingerprint (see `SearchView`) take one place in a search.

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
        self._rows = {name: RaggedRows() for name in _RAGGED}
        self._columns = np.zeros(0, dtype=_COLUMNS)
        self._copies = CopyGroups()

    def __len__(self) -> int:
        return len(self._slots)

    def __contains__(self, id: object) -> bool:  # noqa: A002
        return id in self._slots

    def upsert(self, incidents: Sequence[ResolvedIncident]) -> None:
        """Add incidents; an incident replaces the indexed one with the same id."""
        unique = list({incident.report.id: incident for incident in incidents}.values())
        views = view_reports([incident.report for incident in unique], self.encoder)
        with self._lock:
            emptied = self._remove([view.id for view in views])
            slots = [self._take_slot(view.id) for view in views]
            documents: dict[int, tuple[int, int | None, Terms]] = {}
            for slot, view, incident in zip(slots, views, unique, strict=True):
                self._put(slot, view, incident.outcome)
                group = self._copies.put(slot, view.fingerprint)
                if self._is_earliest(slot, group):
                    documents[group] = (group, view.opened, view.words)
            self._put_vectors(np.array(slots, dtype=np.int64), views)
            self._lexical.update(documents.values(), removed=emptied)

    def remove(self, ids: Iterable[str]) -> None:
        """Remove incidents; unknown ids are ignored."""
        with self._lock:
            self._lexical.update(removed=self._remove(ids))

    def candidates(self, view: SearchView, count: int = _CANDIDATES) -> Candidates:
        """Return the incidents of the `count` best texts by words and the `count` best by vectors.

        The search covers the incidents that were opened strictly before the report, or all if the
        report has no time; it never covers the report itself. Incidents of unknown time come from
        an export, so they count as earlier. Of a text with many incidents, only the best documented
        ones, the newest ones and the newest open ones are returned.
        """
        with self._lock:
            groups = self._search(view, count)
            members = [self._copies.members(group) for group in groups]
            slots = np.array(list(chain.from_iterable(members)), dtype=np.int64)
            texts = np.repeat(np.arange(len(members)), [len(of_text) for of_text in members])
            is_allowed = self._is_allowed(slots, view)
            return self._select(slots[is_allowed], texts[is_allowed], len(members))

    def ids(self) -> list[str]:
        """Return the ids of all incidents, in alphabetical order."""
        with self._lock:
            return sorted(self._slots)

    def ids_of_distinct_texts(self) -> list[str]:
        """Return the alphabetically first id of each text, in alphabetical order."""
        with self._lock:
            texts: dict[int, str] = {}
            for id_ in sorted(self._slots):
                texts.setdefault(int(self._copies.groups_of([self._slots[id_]])[0]), id_)
            return list(texts.values())

    def gather(self, ids: Sequence[str]) -> Candidates:
        """Return the indexed ones of these incidents, in the order of the ids."""
        with self._lock:
            slots = [self._slots[id_] for id_ in ids if id_ in self._slots]
            return self._gather(np.array(slots, dtype=np.int64))

    def text_vectors(self, ids: Sequence[str]) -> Vectors:
        """Return one text vector per id, zeros for an incident that is not indexed."""
        vectors = np.zeros((len(ids), self.encoder.dimension), dtype=np.float32)
        with self._lock:
            slots = np.array([self._slots.get(id_, -1) for id_ in ids], dtype=np.int64)
            vectors[slots >= 0] = self._texts.packed.rows(slots[slots >= 0])
        return vectors

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return the arrays from which `restore` makes an equal index.

        Nothing of a removed incident is in them.
        """
        with self._lock:
            ids = list(self._slots)
            slots = np.array([self._slots[id_] for id_ in ids], dtype=np.int64)
            arrays = {"ids": text_array(ids), "columns": self._columns[slots]}
            for name, rows in self._rows.items():
                row_values = rows.gather(slots)
                arrays |= named(name, {"values": row_values.values, "starts": row_values.starts})
            return {
                **arrays,
                **named("lexical", self._lexical.state()),
                **named("texts", self._texts.state(slots)),
                **named("titles", self._titles.state(slots)),
                **named("copies", self._copies.state(slots)),
            }

    @classmethod
    def restore(cls, encoder: Encoder, arrays: Arrays) -> "IncidentIndex":
        """Return the index whose `state` is given; `encoder` must be that of the index."""
        index = cls(encoder)
        index._ids = texts_of(arrays["ids"])
        index._slots = {id_: slot for slot, id_ in enumerate(index._ids)}
        index._columns = np.asarray(arrays["columns"], dtype=_COLUMNS)
        for name in _RAGGED:
            part = part_of(arrays, name)
            values = np.asarray(part["values"], dtype=np.uint32)
            index._rows[name] = RaggedRows.of(
                Ragged(values, np.asarray(part["starts"], dtype=np.int64))
            )
        index._lexical.restore(part_of(arrays, "lexical"))
        index._texts.restore(part_of(arrays, "texts"))
        index._titles.restore(part_of(arrays, "titles"))
        index._copies.restore(part_of(arrays, "copies"))
        return index

    def _search(self, view: SearchView, count: int) -> list[int]:
        """Return the numbers of the best texts of which an incident may be found."""
        columns = self._columns[: len(self._ids)]
        is_searched = columns["is_first"].copy()
        if view.opened is not None:
            is_searched &= columns["earliest"] < view.opened
        own = self._slots.get(view.id)
        own_text = None if own is None else int(self._copies.groups_of([own])[0])
        if own_text is not None and len(self._copies.members(own_text)) == 1:
            is_searched[own] = False
        hits = self._lexical.search(view.words, count=count + 1, before=view.opened).tolist()
        by_words = [group for group in hits if is_searched[self._copies.first(group)]][:count]
        by_vector = self._texts.search(view.text_vector, count=count, is_allowed=is_searched)
        return sorted({*by_words, *self._copies.groups_of(by_vector.tolist()).tolist()})

    def _is_allowed(self, slots: Slots, view: SearchView) -> Flags:
        is_allowed = np.ones(len(slots), dtype=np.bool_)
        if view.opened is not None:
            is_allowed = self._columns["opened"][slots] < view.opened
        return np.asarray(is_allowed & (slots != self._slots.get(view.id, -1)))

    def _select(self, slots: Slots, texts: Integers, count: int) -> Candidates:
        """Return the candidates among the slots of `count` texts, and the texts' recurrences."""
        columns = self._columns[slots]
        newest = np.lexsort((columns["id_hash"], -columns["opened"], texts))
        slots, texts, columns = slots[newest], texts[newest], columns[newest]
        best = np.lexsort((np.arange(len(slots)), -columns["documentation"], texts))
        is_kept = _place_in_text(texts) < _NEWEST_OF_A_TEXT
        is_kept[best[_place_in_text(texts[best]) < _NEWEST_OF_A_TEXT]] = True
        open_rows = np.flatnonzero(columns["is_open"])
        is_kept[open_rows[_place_in_text(texts[open_rows]) < _NEWEST_OPEN_OF_A_TEXT]] = True
        starts = np.searchsorted(texts, np.arange(count + 1))
        is_fix = columns["documentation"] == Documentation.FIX
        with_fix = np.bincount(texts[is_fix], minlength=count).tolist()
        ids, opened = [self._ids[slot] for slot in slots.tolist()], columns["opened"].tolist()
        recurrences = tuple(
            Recurrences(
                ids=tuple(ids[start:end]),
                last_opened=opened[start] if start < end else UNKNOWN_TIME,
                with_fix=fixes,
            )
            for (start, end), fixes in zip(pairwise(starts.tolist()), with_fix, strict=True)
        )
        kept = np.flatnonzero(is_kept)
        kept = kept[np.argsort(slots[kept])]
        return replace(self._gather(slots[kept]), texts=texts[kept], recurrences=recurrences)

    def _gather(self, slots: Slots) -> Candidates:
        columns = self._columns[slots]
        return Candidates(
            ids=tuple(self._ids[slot] for slot in slots.tolist()),
            opened=columns["opened"],
            title_vectors=self._titles.rows(slots),
            text_vectors=self._texts.packed.rows(slots),
            title_terms=self._rows["title_terms"].gather(slots),
            text_terms=self._rows["text_terms"].gather(slots),
            facts=self._rows["facts"].gather(slots),
            signatures=self._rows["signatures"].gather(slots),
            services=columns["service"].astype(np.int64),
            sources=columns["source"].astype(np.int64),
            documentation=columns["documentation"].astype(np.int64),
            is_open=columns["is_open"],
            texts=np.arange(len(slots)),
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
        opened = UNKNOWN_TIME if view.opened is None else view.opened
        self._columns[slot] = (
            opened,
            opened,
            term_ids([view.id])[0],
            view.service,
            view.source,
            documentation(outcome.resolution),
            outcome.is_open,
            False,
        )
        for name, rows in self._rows.items():
            rows.put(slot, getattr(view, name))

    def _is_earliest(self, slot: int, group: int) -> bool:
        """Tell whether no other incident of a text is known to be as early; note the earliest."""
        first = self._copies.first(group)
        self._columns["is_first"][first] = True
        opened, earliest = self._columns["opened"][slot], self._columns["earliest"][first]
        self._columns["earliest"][first] = min(opened, earliest)
        return slot == first or bool(opened < earliest)

    def _put_vectors(self, slots: Slots, views: Sequence[SearchView]) -> None:
        if not views:
            return
        self._texts.put(slots, np.array([view.text_vector for view in views]))
        self._titles.put(slots, np.array([view.title_vector for view in views]))

    def _remove(self, ids: Iterable[str]) -> list[int]:
        """Remove incidents; return the numbers of the texts that no incident has any more."""
        indexed_ids = [id_ for id_ in dict.fromkeys(ids) if id_ in self._slots]
        slots = [self._slots.pop(id_) for id_ in indexed_ids]
        groups = [self._clear_slot(slot) for slot in slots]
        self._free += slots
        emptied = []
        for group in dict.fromkeys(groups):
            members = self._copies.members(group)
            if members:
                self._columns["is_first"][members[0]] = True
                self._columns["earliest"][members[0]] = self._columns["opened"][members].min()
            else:
                emptied.append(group)
        return emptied

    def _clear_slot(self, slot: int) -> int:
        for rows in self._rows.values():
            rows.put(slot, _EMPTY_ROW)
        slots = np.array([slot])
        zeros = np.zeros((1, self.encoder.dimension), dtype=np.float32)
        self._texts.put(slots, zeros)
        self._titles.put(slots, zeros)
        self._columns["is_first"][slot] = False
        self._ids[slot] = ""
        return self._copies.remove(slot)


_EMPTY_ROW: Hashes = np.empty(0, dtype=np.uint32)


def _place_in_text(texts: Integers) -> Integers:
    """Return each row's place among the rows of its text; `texts` is sorted."""
    return np.asarray(np.arange(len(texts)) - np.searchsorted(texts, texts))
