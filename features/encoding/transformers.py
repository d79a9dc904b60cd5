"""scikit-learn transformers that learn views of encoded reports."""

from collections import Counter
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, TransformerMixin

from features.encoding.encoded_reports import EncodedReports
from features.encoding.encoder import Vectors
from features.encoding.views import (
    FactIndicatorsView,
    FactValuesView,
    TokenPart,
    TokenView,
    VectorView,
    content_key,
    number_of,
)

_RANGES = 16
_MOST_NUMBERS_AS_CATEGORIES = 48


class TfidfWeights(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Sublinear TF-IDF of one kind of hashed counts.

    `part` names the kind. Tokens that occur in fewer than `min_reports` reports are dropped. The
    result has shape (reports, remaining tokens) and rows of unit length.
    """

    def __init__(self, *, part: TokenPart = "words", min_reports: int = 2) -> None:
        self.part = part
        self.min_reports = min_reports

    def fit(self, encoded: EncodedReports, labels: object = None) -> Self:  # noqa: ARG002
        """Choose the columns and learn their inverse document frequencies."""
        counts: csr_array = getattr(encoded, self.part)
        reports_with = np.bincount(counts.indices, minlength=counts.shape[1])
        columns = np.flatnonzero(reports_with >= self.min_reports).astype(np.int32)
        rarity = (1 + len(encoded)) / (1 + reports_with[columns])
        idf = (np.log(rarity) + 1).astype(np.float32)
        self.view_ = TokenView(
            self.part, columns, idf, content_key("tokens", self.part, columns, idf)
        )
        return self

    def transform(self, encoded: EncodedReports) -> csr_array:
        """Return the weighted features."""
        return self.view_.transform(encoded)


class FactValues(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Facts as an array of strings, of shape (reports, columns).

    A fact that has only numeric values, and more than 48 distinct ones, gets a second column with
    the value's quantile range: its numbers may be quantities (a count) or identifiers (a caller).
    """

    def fit(self, encoded: EncodedReports, labels: object = None) -> Self:  # noqa: ARG002
        """Learn the names of the facts, and the ranges of numeric ones."""
        names = tuple(sorted({name for facts in encoded.facts for name in facts}))
        edges = {name: edges for name in names if len(edges := _edges(encoded, name))}
        self.view_ = FactValuesView(names, edges)
        return self

    def transform(self, encoded: EncodedReports) -> NDArray[np.object_]:
        """Return the columns of strings; the string is empty if a fact is unknown."""
        return self.view_.transform(encoded)


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
        values_view = FactValues().fit(encoded).view_
        places, rest, width = [], [], 0
        for values in values_view.transform(encoded).T:
            counts = Counter(values)
            frequent = sorted(value for value, count in counts.items() if count > 1)
            places.append({value: width + n for n, value in enumerate(frequent)})
            width += len(frequent)
            rest.append(width if len(frequent) < len(counts) else -1)
            width += len(frequent) < len(counts)
        self.view_ = FactIndicatorsView(
            values_view,
            tuple(places),
            tuple(rest),
            width,
            self.scale,
            content_key("facts", values_view, places, rest, self.scale),
        )
        return self

    def transform(self, encoded: EncodedReports) -> csr_array:
        """Return indicators of shape (reports, values), each 0 or `scale`."""
        return self.view_.transform(encoded)


class SentenceVectors(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """The sentence vectors of encoded reports, of shape (reports, dimension)."""

    def fit(self, encoded: EncodedReports, labels: object = None) -> Self:  # noqa: ARG002
        """Record the dimension."""
        self.view_ = VectorView(encoded.vectors.shape[1])
        return self

    def transform(self, encoded: EncodedReports) -> Vectors:
        """Return the vectors."""
        return self.view_.transform(encoded)


def _edges(encoded: EncodedReports, name: str) -> NDArray[np.float64]:
    """Return the quantile edges of a fact with many numeric values, else an empty array."""
    values = [facts[name] for facts in encoded.facts if name in facts]
    parsed_values = (number_of(value) for value in values)
    numbers = np.array([number for number in parsed_values if number is not None])
    if len(numbers) < len(values) or len(np.unique(numbers)) <= _MOST_NUMBERS_AS_CATEGORIES:
        return np.empty(0)
    return np.unique(np.quantile(numbers, np.linspace(0, 1, _RANGES + 1)[1:-1]))
