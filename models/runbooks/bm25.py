"""BM25 for a few thousand short documents, scaled so that scores of all queries are comparable."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Floats = NDArray[np.float64]

_SATURATION = 1.2


class BM25:
    """A BM25 index of one field of all documents (Robertson and Zaragoza 2009).

    A score is a document's BM25 score divided by the total rarity of the query's terms. It is 0 if
    the document contains no term of the query, and can exceed 1 if the document contains all
    terms.
    `length_weight` is BM25's b.

    >>> field = BM25().fit([["disk", "full"], ["printer", "jam"]])
    >>> field.score(["disk"]).round(1).tolist()
    [1.0, 0.0]
    """

    def __init__(self, *, length_weight: float = 0.75) -> None:
        self.length_weight = length_weight

    def fit(self, documents: Sequence[Sequence[str]]) -> Self:
        """Count the terms of the documents."""
        counts = [Counter(document) for document in documents]
        self._columns = {
            term: column for column, term in enumerate(sorted({t for c in counts for t in c}))
        }
        rows = np.repeat(np.arange(len(counts)), [len(count) for count in counts])
        columns = np.array([self._columns[t] for c in counts for t in c], dtype=np.int64)
        frequencies = np.array([n for c in counts for n in c.values()], dtype=np.float64)
        lengths = np.array([len(document) for document in documents], dtype=np.float64)
        relative = lengths / max(float(lengths.mean()), 1e-9) if len(lengths) else lengths
        damping = _SATURATION * (1 - self.length_weight + self.length_weight * relative[rows])
        holders = np.bincount(columns, minlength=len(self._columns))
        self._rarity = _rarity(len(counts), holders)
        self._unknown = float(_rarity(len(counts), np.zeros(1))[0])
        weights = frequencies * (_SATURATION + 1) / (frequencies + damping) * self._rarity[columns]
        shape = (len(self._columns), len(counts))
        self._weights = csr_array((weights, (columns, rows)), shape=shape)
        self._rarities = csr_array((self._rarity[columns], (columns, rows)), shape=shape)
        self._totals = _sum_rows(self._rarities, range(len(self._columns)))
        return self

    def score(self, terms: Sequence[str]) -> Floats:
        """Return one score per document."""
        query_terms = set(terms)
        # In one order, because sums in another order round differently.
        columns = sorted(self._columns[term] for term in query_terms if term in self._columns)
        if not columns:
            return np.zeros(self._weights.shape[1])
        total = self._rarity[columns].sum() + self._unknown * (len(query_terms) - len(columns))
        return np.asarray(_sum_rows(self._weights, columns) / total)

    def share(self, query: Collection[str], terms: Sequence[str]) -> float:
        """Return the share of a query's terms, weighted by rarity, that occur in a text: 0..1."""
        total = sum(self._weight(term) for term in query)
        return sum(self._weight(term) for term in set(terms) if term in query) / max(total, 1e-9)

    def total_rarity(self, terms: Collection[str]) -> float:
        """Return the sum of the rarities of distinct terms."""
        return float(sum(self._weight(term) for term in set(terms)))

    def held_rarity(self, terms: Collection[str]) -> Floats:
        """Return for each document the sum of the rarities of those terms that it contains.

        >>> field = BM25().fit([["disk", "full"], ["printer", "jam"]])
        >>> (field.held_rarity(["disk", "jam", "jam"]) / field.total_rarity(["disk"])).tolist()
        [1.0, 1.0]
        """
        columns = sorted(self._columns[term] for term in set(terms) if term in self._columns)
        return _sum_rows(self._rarities, columns)

    def covered_share(self, terms: Collection[str]) -> Floats:
        """Return the share, by rarity, of each document's terms that are among `terms`: 0..1.

        The share of an empty document is 1.
        """
        totals = self._totals
        return np.where(totals > 0, self.held_rarity(terms) / np.where(totals > 0, totals, 1), 1.0)

    def _weight(self, term: str) -> float:
        column = self._columns.get(term)
        return self._unknown if column is None else float(self._rarity[column])


def _rarity(documents: int, holders: NDArray[np.int64] | Floats) -> Floats:
    return np.asarray(np.log1p((documents - holders + 0.5) / (holders + 0.5)), dtype=np.float64)


def _sum_rows(matrix: csr_array, rows: Sequence[int]) -> Floats:
    """Return the sum of some rows, ten times as fast as by indexing the matrix."""
    places = np.asarray(rows, dtype=np.int64)
    starts = matrix.indptr[places]
    lengths = matrix.indptr[places + 1] - starts
    shift = np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
    cells = np.arange(len(shift)) + shift
    weights, columns = matrix.data[cells], matrix.indices[cells]
    return np.bincount(columns, weights, minlength=matrix.shape[1]).astype(np.float64)
