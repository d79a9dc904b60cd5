"""Finds incidents that share rare words with a text: BM25 over two weighted fields, in arrays."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from features.search.candidates import UNKNOWN_TIME, Integers
from features.search.index_file import Arrays, named, part_of
from features.search.postings import Postings

_WEIGHTS = {"title": 2.0, "text": 1.0}
_MOST_TERMS = 32
_SATURATION, _LENGTH_WEIGHT = 1.2, 0.75
# New documents are searched beside the others until they are as many as this, or as this share.
_MOST_NEW, _NEW_SHARE = 2_048, 1 / 8

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Terms:
    """The words of an incident's title and of its whole text, as `terms_of` returns them."""

    title: Sequence[str]
    text: Sequence[str]


class LexicalIndex:
    """BM25 (Robertson et al. 1994); each document has a number, and small numbers save memory.

    Words are kept as hashes. A removed document leaves nothing in the arrays of `state`.

    >>> index = LexicalIndex()
    >>> index.update([(4, None, Terms(["disk"], ["disk", "full"])), (7, 10, Terms([], ["vpn"]))])
    >>> index.search(Terms(["vpn"], ["vpn", "down"]), count=5, before=None).tolist()
    [7]
    """

    def __init__(self) -> None:
        self._fields = {name: _Field() for name in _WEIGHTS}
        self._opened: Integers = np.zeros(0, dtype=np.int64)
        self._exists = np.zeros(0, dtype=np.bool_)

    def update(
        self,
        documents: Iterable[tuple[int, int | None, Terms]] = (),
        *,
        removed: Iterable[int] = (),
    ) -> None:
        """Remove documents by number, then add or replace documents.

        A document is a tuple of its number, a time of opening in seconds, and its terms. Of several
        documents with the same number the last one counts.
        """
        added = {number: (opened, terms) for number, opened, terms in documents}
        gone = np.array([*removed, *added], dtype=np.int64)
        self._make_room(int(gone.max(initial=-1)) + 1)
        self._exists[gone] = False
        for number, (opened, _) in added.items():
            self._opened[number] = UNKNOWN_TIME if opened is None else opened
            self._exists[number] = True
        for name, field in self._fields.items():
            rows = {number: getattr(terms, name) for number, (_, terms) in added.items()}
            field.update(gone, rows, len(self._exists))

    def search(self, terms: Terms, *, count: int, before: int | None) -> Integers:
        """Return the numbers of the best documents, best first.

        With `before`, only documents of an earlier or unknown time of opening are returned.
        """
        total = int(self._exists.sum())
        scores = np.zeros(len(self._exists), dtype=np.float32)
        for name, weight in _WEIGHTS.items():
            self._fields[name].add_scores(scores, getattr(terms, name), total, weight)
        if before is not None:
            scores[self._opened >= before] = 0.0
        found = np.flatnonzero(scores > 0)
        if len(found) > count:
            found = found[np.argpartition(scores[found], -count)[-count:]]
        return found[np.lexsort((found, -scores[found]))]

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return the arrays from which `restore` makes an equal index."""
        arrays: dict[str, NDArray[np.generic]] = {"opened": self._opened, "exists": self._exists}
        for name, field in self._fields.items():
            arrays |= named(name, field.state())
        return arrays

    def restore(self, arrays: Arrays) -> None:
        """Take over the documents whose `state` is given."""
        self._opened = np.asarray(arrays["opened"], dtype=np.int64)
        self._exists = np.asarray(arrays["exists"], dtype=np.bool_)
        for name, field in self._fields.items():
            field.restore(part_of(arrays, name))

    def _make_room(self, size: int) -> None:
        missing = size - len(self._exists)
        if missing > 0:
            more = max(missing, len(self._exists) // 8)
            self._opened = np.pad(self._opened, (0, more), constant_values=UNKNOWN_TIME)
            self._exists = np.pad(self._exists, (0, more))


class _Field:
    """The postings of one field: of most documents, and of those that were written lately."""

    def __init__(self) -> None:
        self._main, self._new = Postings.of({}), Postings.of({})
        self._lengths: NDArray[np.int32] = np.zeros(0, dtype=np.int32)
        self._is_stale = np.zeros(0, dtype=np.bool_)
        self._count_new = 0

    def update(self, gone: Integers, rows: Mapping[int, Sequence[str]], size: int) -> None:
        missing = size - len(self._lengths)
        self._lengths = np.pad(self._lengths, (0, missing))
        self._is_stale = np.pad(self._is_stale, (0, missing))
        self._new = self._new.without(gone)
        self._is_stale[gone] = True
        self._lengths[gone] = 0
        for number, words in rows.items():
            self._lengths[number] = len(words)
        counts = {number: Counter(map(_hash, words)) for number, words in rows.items()}
        self._new = self._new.merged(Postings.of(counts))
        self._count_new += len(gone)
        if self._count_new > max(_MOST_NEW, _NEW_SHARE * size):
            self._merge()

    def add_scores(self, scores: Floats, words: Sequence[str], total: int, weight: float) -> None:
        found = [self._find(term) for term in dict.fromkeys(map(_hash, words))]
        present = sorted((one for one in found if len(one[0])), key=lambda one: len(one[0]))
        if not present:
            return
        mean_length = max(1e-9, float(self._lengths.sum(dtype=np.int64)) / max(1, total))
        relative = self._lengths * np.float32(_SATURATION * _LENGTH_WEIGHT / mean_length)
        damping = relative + np.float32(_SATURATION * (1 - _LENGTH_WEIGHT))
        # All words of a long log would add noise, so only the rarest ones are searched.
        for documents, counts in present[:_MOST_TERMS]:
            rarity = np.log1p((total - len(documents) + 0.5) / (len(documents) + 0.5))
            frequency = counts.astype(np.float32)
            factor = np.float32(weight * rarity * (_SATURATION + 1))
            scores[documents] += factor * frequency / (frequency + damping[documents])

    def state(self) -> dict[str, NDArray[np.generic]]:
        self._merge()
        return {"lengths": self._lengths, **self._main.arrays()}

    def restore(self, arrays: Arrays) -> None:
        self._main = Postings.from_arrays(arrays)
        self._lengths = np.asarray(arrays["lengths"], dtype=np.int32)
        self._is_stale = np.zeros(len(self._lengths), dtype=np.bool_)

    def _find(self, term: int) -> tuple[NDArray[np.int32], NDArray[np.uint16]]:
        """Return the documents that have a term, and how often each has it."""
        documents, counts = self._main.find(term)
        if not self._count_new:
            return documents, counts
        kept = ~self._is_stale[documents]
        new_documents, new_counts = self._new.find(term)
        return (
            np.concatenate((documents[kept], new_documents)),
            np.concatenate((counts[kept], new_counts)),
        )

    def _merge(self) -> None:
        self._main = self._main.without(np.flatnonzero(self._is_stale)).merged(self._new)
        self._new = Postings.of({})
        self._is_stale[:] = False
        self._count_new = 0


def _hash(word: str) -> int:
    return crc32(word.encode("utf-8", "surrogatepass"))
