"""Fitted views of encoded reports: each turns them into one block of features.

A view holds only arrays and tables, and needs no scikit-learn. The transformers of
`features.encoding.transformers` learn the views; models use them to answer.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from features.encoding.encoded_reports import EncodedReports
from features.encoding.encoder import Vectors

TokenPart = Literal["words", "titles", "characters"]


@dataclass(frozen=True, slots=True)
class TokenView:
    """Sublinear TF-IDF of one kind of hashed counts.

    `columns` are the sorted columns of the counts that are used, `idf` their inverse document
    frequencies. `key` is equal for equal views, whose features are computed once for a batch.
    """

    part: TokenPart
    columns: NDArray[np.int32]
    idf: NDArray[np.float32]
    key: str

    @property
    def width(self) -> int:
        """The number of features."""
        return len(self.columns)

    def transform(self, encoded: EncodedReports) -> csr_array:
        """Return features of shape (reports, tokens), with rows of unit length."""
        return encoded.once(self.key, partial(self._weigh, encoded))

    def _weigh(self, encoded: EncodedReports) -> csr_array:
        counts = _select_columns(getattr(encoded, self.part), self.columns)
        if not len(self.columns):
            return counts
        counts.data = (1 + np.log(counts.data)) * self.idf[counts.indices]
        return _scale_to_unit_rows(counts)


@dataclass(frozen=True, slots=True)
class FactValuesView:
    """Facts as columns of strings.

    `names` are the facts' names. `edges` are the bounds of the ranges of facts with many numeric
    values; such a fact has a second column, with its value's range.
    """

    names: tuple[str, ...]
    edges: Mapping[str, NDArray[np.float64]]

    def transform(self, encoded: EncodedReports) -> NDArray[np.object_]:
        """Return the columns of strings; the string is empty if a fact is unknown."""
        rows = np.empty((len(encoded), len(self.columns())), dtype=object)
        for column, name in enumerate(self.names):
            rows[:, column] = [facts.get(name, "") for facts in encoded.facts]
        for column, (name, edges) in enumerate(self.edges.items(), start=len(self.names)):
            rows[:, column] = [_range(facts.get(name, ""), edges) for facts in encoded.facts]
        return rows

    def columns(self) -> list[str]:
        """Return the name of the fact in each column."""
        return [*self.names, *self.edges]


@dataclass(frozen=True, slots=True)
class FactIndicatorsView:
    """One indicator for each value of each fact.

    `places` gives the feature of each value, for each column of `values`. `rest` is the feature of
    every other value, -1 if there is none. Each indicator is 0 or `scale`. `key` is equal for equal
    views.
    """

    values: FactValuesView
    places: tuple[Mapping[str, int], ...]
    rest: tuple[int, ...]
    width: int
    scale: float
    key: str

    def transform(self, encoded: EncodedReports) -> csr_array:
        """Return indicators of shape (reports, values)."""
        return encoded.once(self.key, partial(self._indicate, encoded))

    def _indicate(self, encoded: EncodedReports) -> csr_array:
        columns = zip(self.values.transform(encoded).T, self.places, self.rest, strict=True)
        places = np.array(
            [
                [value_places.get(value, shared_place) for value in values]
                for values, value_places, shared_place in columns
            ],
            dtype=np.int32,
        ).reshape(len(self.places), len(encoded))
        has_place = places.T >= 0
        ends = np.concatenate([[0], np.cumsum(has_place.sum(axis=1))]).astype(np.int32)
        data = np.full(ends[-1], self.scale, dtype=np.float32)
        return csr_array((data, places.T[has_place], ends), shape=(len(encoded), self.width))


@dataclass(frozen=True, slots=True)
class VectorView:
    """The sentence vectors of encoded reports; `width` is their dimension."""

    width: int

    def transform(self, encoded: EncodedReports) -> Vectors:
        """Return the vectors, of shape (reports, dimension)."""
        return encoded.vectors


View = TokenView | FactIndicatorsView | VectorView


def content_key(kind: str, *parts: object) -> str:
    """Return a key of arrays and other values; equal parts have equal keys.

    >>> content_key("view", np.arange(3)) == content_key("view", np.arange(3))
    True
    """
    digest = hashlib.blake2b(kind.encode(), digest_size=16)
    for part in parts:
        is_array = isinstance(part, np.ndarray)
        digest.update(np.ascontiguousarray(part).data if is_array else repr(part).encode())
    return digest.hexdigest()


def number_of(value: str) -> float | None:
    """Return the number that a fact's value is, None if it is none.

    >>> number_of("12.5"), number_of("high")
    (12.5, None)
    """
    try:
        return float(value)
    except ValueError:
        return None


def _select_columns(counts: csr_array, columns: NDArray[np.int32]) -> csr_array:
    """Return `counts[:, columns]` for sorted `columns`; the other columns cost no time."""
    if not len(columns):
        return csr_array(np.empty((counts.shape[0], 0), dtype=np.float32))
    places = np.minimum(np.searchsorted(columns, counts.indices), len(columns) - 1)
    is_selected = columns[places] == counts.indices
    ends = np.concatenate([[0], np.cumsum(is_selected)])[counts.indptr]
    parts = (counts.data[is_selected], places[is_selected].astype(np.int32), ends.astype(np.int32))
    return csr_array(parts, shape=(counts.shape[0], len(columns)))


def _scale_to_unit_rows(rows: csr_array) -> csr_array:
    """Scale rows to unit length in place."""
    row_of_value = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    squares = np.bincount(row_of_value, rows.data.astype(np.float64) ** 2, minlength=rows.shape[0])
    rows.data /= np.sqrt(squares)[row_of_value].astype(np.float32)
    return rows


def _range(value: str, edges: NDArray[np.float64]) -> str:
    number = number_of(value)
    return "" if number is None else f"range {int(np.searchsorted(edges, number))}"
