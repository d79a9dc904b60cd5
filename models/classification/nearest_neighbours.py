"""Votes of the nearest labelled past reports."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from features.encoding.encoder import Vectors
from models.classification.cross_validation import Rows

_QUERIES_AT_ONCE = 512
_SMOOTHING = 0.1

Floats = NDArray[np.float64]


class NeighbourVotes(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Nearest neighbours by cosine, each voting with exp(sharpness * similarity).

    Votes are scaled so that the nearest neighbour's vote is 1. One further vote is divided among
    the classes by their shares of the examples, so that no class gets probability 0. Vectors have
    unit length. `neighbours` and `sharpness` were chosen on the data of `tests/benchmarks`.

    >>> votes = NeighbourVotes(neighbours=1).fit(np.eye(2, dtype=np.float32), np.array([0, 1]))
    >>> votes.predict_proba(np.eye(2, dtype=np.float32)).argmax(axis=1).tolist()
    [0, 1]
    """

    def __init__(self, *, neighbours: int = 30, sharpness: float = 20.0) -> None:
        self.neighbours = neighbours
        self.sharpness = sharpness

    def fit(self, vectors: Vectors, labels: Rows) -> Self:
        """Store the labelled vectors."""
        self.classes_, self.labels_ = np.unique(labels, return_inverse=True)
        counts = np.bincount(self.labels_) + _SMOOTHING
        self.shares_ = counts / counts.sum()
        self.vectors_ = vectors
        return self

    def predict_proba(self, vectors: Vectors) -> Floats:
        """Return the shares of the votes, of shape (vectors, classes)."""
        rows, similarities = self.nearest(vectors)
        weights = np.exp(self.sharpness * (similarities - similarities[:, :1]))
        votes = np.tile(self.shares_, (len(vectors), 1))
        for place in range(rows.shape[1]):
            votes[np.arange(len(vectors)), self.labels_[rows[:, place]]] += weights[:, place]
        return np.asarray(votes / votes.sum(axis=1, keepdims=True))

    def nearest(self, vectors: Vectors) -> tuple[Rows, Floats]:
        """Return the row numbers and similarities of each vector's neighbours, nearest first.

        The last result is cached, because exemplars are looked up right after the votes.
        """
        last_vectors, result = getattr(self, "_last", (None, None))
        if result is None or last_vectors is not vectors:
            result = self._search(vectors)
            self._last = (vectors, result)
        return result

    def _search(self, vectors: Vectors) -> tuple[Rows, Floats]:
        count = min(self.neighbours, len(self.vectors_))
        rows = np.empty((len(vectors), count), dtype=np.int64)
        similarities = np.empty((len(vectors), count))
        for start in range(0, len(vectors), _QUERIES_AT_ONCE):
            end = start + _QUERIES_AT_ONCE
            all_similarities = vectors[start:end] @ self.vectors_.T
            top_rows = np.argpartition(all_similarities, -count, axis=1)[:, -count:]
            top = np.take_along_axis(all_similarities, top_rows, axis=1)
            order = np.lexsort((top_rows, -top), axis=1)
            rows[start:end] = np.take_along_axis(top_rows, order, axis=1)
            similarities[start:end] = np.take_along_axis(top, order, axis=1)
        return rows, similarities

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("_last", None)
        return state
