"""scikit-learn transformers that turn encoded reports into weighted features."""

from collections import Counter
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, TransformerMixin

from features.encoding.encoded_reports import EncodedReports
from features.encoding.encoder import Vectors

_RANGES = 16
_MOST_NUMBERS_AS_CATEGORIES = 48


class TfidfWeights(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Sublinear TF-IDF of one kind of hashed counts.

    `part` names the kind: `words`, `titles` or `characters`. Tokens that occur in fewer than
    `min_reports` reports are dropped. The result has shape (reports, remaining tokens) and rows of
    unit length.
    """

    def __init__(self, *, part: str = "words", min_reports: int = 2) -> None:
        self.part = part
        self.min_reports = min_reports

    def fit(self, encoded: EncodedReports, labels: object = None) -> Self:  # noqa: ARG002
        """Choose the columns and learn their inverse document frequencies."""
        counts: csr_array = getattr(encoded, self.part)
        reports_with = np.bincount(counts.indices, minlength=counts.shape[1])
        self.columns_ = np.flatnonzero(reports_with >= self.min_reports).astype(np.int32)
        rarity = (1 + len(encoded)) / (1 + reports_with[self.columns_])
        self.idf_ = (np.log(rarity) + 1).astype(np.float32)
        return self

    def transform(self, encoded: EncodedReports) -> csr_array:
        """Return the weighted features."""
        counts = _select_columns(getattr(encoded, self.part), self.columns_)
        if not len(self.columns_):
            return counts
        counts.data = (1 + np.log(counts.data)) * self.idf_[counts.indices]
        return _scale_to_unit_rows(counts)


class FactValues(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Facts as an array of strings, of shape (reports, columns).

    A fact that has only numeric values, and more than 48 distinct ones, gets a second column with
    the value's quantile range: its numbers may be quantities (a count) or identifiers (a caller).
    """

    def fit(self, encoded: EncodedReports, labels: object = None) -> Self:  # noqa: ARG002
        """Learn the names of the facts, and the ranges of numeric ones."""
        self.names_ = sorted({name for facts in encoded.facts for name in facts})
        self.edges_ = {name: edges for name in self.names_ if len(edges := _edges(encoded, name))}
        return self

    def transform(self, encoded: EncodedReports) -> NDArray[np.object_]:
        """Return the columns of strings; the string is empty if a fact is unknown."""
        rows = np.empty((len(encoded), len(self.columns())), dtype=object)
        for column, name in enumerate(self.names_):
            rows[:, column] = [facts.get(name, "") for facts in encoded.facts]
        for column, (name, edges) in enumerate(self.edges_.items(), start=len(self.names_)):
            rows[:, column] = [_range(facts.get(name, ""), edges) for facts in encoded.facts]
        return rows

    def columns(self) -> list[str]:
        """Return the name of the fact in each column."""
        return [*self.names_, *self.edges_]


class FactIndicators(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """One indicator for each value of each fact.

    For each fact, the values that occur only once in training share an indicator. A value that is
    new after training gets the shared indicator, or none if the fact has no such indicator. `scale`
    is the weight of a fact relative to text features of unit length.
    """

    def __init__(self, *, scale: float = 0.5) -> None:
        self.scale = scale

    def fit(self, encoded: EncodedReports, labels: object = None) -> Self:  # noqa: ARG002
        """Assign a column to each value of each fact; values that occur once share a column."""
        self.values_ = FactValues().fit(encoded)
        self.places_: list[dict[str, int]] = []
        self.rest_: list[int] = []
        self.width_ = 0
        for values in self.values_.transform(encoded).T:
            counts = Counter(values)
            frequent = sorted(value for value, count in counts.items() if count > 1)
            self.places_.append({value: self.width_ + n for n, value in enumerate(frequent)})
            self.width_ += len(frequent)
            self.rest_.append(self.width_ if len(frequent) < len(counts) else -1)
            self.width_ += len(frequent) < len(counts)
        return self

    def transform(self, encoded: EncodedReports) -> csr_array:
        """Return indicators of shape (reports, values), each 0 or `scale`."""
        columns = zip(self.values_.transform(encoded).T, self.places_, self.rest_, strict=True)
        places = np.array(
            [
                [value_places.get(value, shared_place) for value in values]
                for values, value_places, shared_place in columns
            ],
            dtype=np.int32,
        ).reshape(len(self.places_), len(encoded))
        has_place = places.T >= 0
        ends = np.concatenate([[0], np.cumsum(has_place.sum(axis=1))]).astype(np.int32)
        data = np.full(ends[-1], self.scale, dtype=np.float32)
        return csr_array((data, places.T[has_place], ends), shape=(len(encoded), self.width_))


class SentenceVectors(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """The sentence vectors of encoded reports, of shape (reports, dimension)."""

    def fit(self, encoded: EncodedReports, labels: object = None) -> Self:  # noqa: ARG002
        """Record the dimension."""
        self.n_features_ = encoded.vectors.shape[1]
        return self

    def transform(self, encoded: EncodedReports) -> Vectors:
        """Return the vectors."""
        return encoded.vectors


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
    """Scale rows to unit length in place; faster for one report than scikit-learn's `normalize`."""
    row_of_value = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    squares = np.bincount(row_of_value, rows.data.astype(np.float64) ** 2, minlength=rows.shape[0])
    rows.data /= np.sqrt(squares)[row_of_value].astype(np.float32)
    return rows


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _edges(encoded: EncodedReports, name: str) -> NDArray[np.float64]:
    """Return the quantile edges of a fact with many numeric values, else an empty array."""
    values = [facts[name] for facts in encoded.facts if name in facts]
    parsed_values = (_number(value) for value in values)
    numbers = np.array([number for number in parsed_values if number is not None])
    if len(numbers) < len(values) or len(np.unique(numbers)) <= _MOST_NUMBERS_AS_CATEGORIES:
        return np.empty(0)
    return np.unique(np.quantile(numbers, np.linspace(0, 1, _RANGES + 1)[1:-1]))


def _range(value: str, edges: NDArray[np.float64]) -> str:
    number = _number(value)
    return "" if number is None else f"range {int(np.searchsorted(edges, number))}"
