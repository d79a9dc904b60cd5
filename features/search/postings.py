"""An inverted list in arrays: which documents have a term, and how often."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MOST_COUNTED = np.iinfo(np.uint16).max
_DOCUMENT_BITS = np.uint64(32)


@dataclass(frozen=True, slots=True)
class Postings:
    """Pairs of a term's hash and a document's number, by term and then by document.

    >>> postings = Postings.of({3: {7: 2}, 1: {7: 1, 9: 1}})
    >>> [array.tolist() for array in postings.find(7)]
    [[1, 3], [1, 2]]
    """

    terms: NDArray[np.uint32]
    documents: NDArray[np.int32]
    counts: NDArray[np.uint16]

    @classmethod
    def of(cls, documents: Mapping[int, Mapping[int, int]]) -> "Postings":
        """Return the postings of documents, each with how often it has which term."""
        sizes = [len(counts) for counts in documents.values()]
        terms = [term for counts in documents.values() for term in counts]
        counts = [count for counts in documents.values() for count in counts.values()]
        return cls(
            np.array(terms, dtype=np.uint32),
            np.repeat(np.array(list(documents), dtype=np.int32), sizes),
            np.minimum(np.array(counts, dtype=np.int64), _MOST_COUNTED).astype(np.uint16),
        )._sorted()

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> "Postings":
        """Return the postings whose `arrays` are given."""
        return cls(
            np.asarray(arrays["terms"], dtype=np.uint32),
            np.asarray(arrays["documents"], dtype=np.int32),
            np.asarray(arrays["counts"], dtype=np.uint16),
        )

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the arrays by name."""
        return {"terms": self.terms, "documents": self.documents, "counts": self.counts}

    def find(self, term: int) -> tuple[NDArray[np.int32], NDArray[np.uint16]]:
        """Return the documents that have a term, and how often each has it."""
        # The type of the sought value must be that of the array, or numpy copies the whole array.
        sought = np.uint32(term)
        start = np.searchsorted(self.terms, sought, side="left")
        end = np.searchsorted(self.terms, sought, side="right")
        return self.documents[start:end], self.counts[start:end]

    def without(self, documents: NDArray[np.int64]) -> "Postings":
        """Return the postings without these documents."""
        if not len(documents) or not len(self.documents):
            return self
        kept = ~np.isin(self.documents, documents)
        return Postings(self.terms[kept], self.documents[kept], self.counts[kept])

    def merged(self, other: "Postings") -> "Postings":
        """Return the postings of both; no document may be in both."""
        if not len(other.terms):
            return self
        return Postings(
            np.concatenate((self.terms, other.terms)),
            np.concatenate((self.documents, other.documents)),
            np.concatenate((self.counts, other.counts)),
        )._sorted()

    def _sorted(self) -> "Postings":
        order = np.argsort(
            (self.terms.astype(np.uint64) << _DOCUMENT_BITS) | self.documents.astype(np.uint64)
        )
        return Postings(self.terms[order], self.documents[order], self.counts[order])
