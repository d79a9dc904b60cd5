"""Votes of the nearest labelled past reports."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from features.encoding.encoded_reports import EncodedReports
from features.encoding.encoder import Vectors
from models.classification.scorers.scorer import Floats, Part, Rows, log_scores

_QUERIES_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class NeighbourScorer:
    """Nearest neighbours by cosine, each voting with exp(sharpness * similarity).

    Votes are scaled so that the nearest neighbour's vote is 1. One further vote is divided among
    the classes by their `shares` of the examples, so that no class gets probability 0. `vectors`
    have unit length; `labels` are places in `classes`. `key` is equal for equal `vectors`, whose
    neighbours are searched once for a batch.

    >>> scorer = NeighbourScorer(
    ...     np.eye(2, dtype=np.float32), np.array([0, 1]), np.array([0.5, 0.5]), np.array([0, 1]),
    ...     "key", neighbours=1, sharpness=20.0)
    >>> scorer.probabilities(np.eye(2, dtype=np.float32)).argmax(axis=1).tolist()
    [0, 1]
    """

    vectors: Vectors
    labels: Rows
    shares: Floats
    classes: Rows
    key: str
    neighbours: int
    sharpness: float

    reads: ClassVar[tuple[Part, ...]] = ("vectors",)

    def score(self, encoded: EncodedReports) -> Floats:
        """Return the logarithms of the shares of the votes, of shape (reports, classes)."""
        return log_scores(self._count_votes(*self.nearest_reports(encoded)))

    def probabilities(self, vectors: Vectors) -> Floats:
        """Return the shares of the votes, of shape (vectors, classes)."""
        return self._count_votes(*self.nearest(vectors))

    def nearest_reports(self, encoded: EncodedReports) -> tuple[Rows, Floats]:
        """Return what `nearest` returns, searching once for all models of a batch."""
        key = (self.key, self.neighbours)
        return encoded.once(key, lambda: self.nearest(encoded.vectors))

    def _count_votes(self, rows: Rows, similarities: Floats) -> Floats:
        weights = np.exp(self.sharpness * (similarities - similarities[:, :1]))
        votes = np.tile(self.shares, (len(rows), 1))
        at = np.repeat(np.arange(len(rows)), rows.shape[1])
        np.add.at(votes, (at, self.labels[rows].ravel()), weights.ravel())
        return np.asarray(votes / votes.sum(axis=1, keepdims=True))

    def nearest(self, vectors: Vectors) -> tuple[Rows, Floats]:
        """Return the row numbers and similarities of each vector's neighbours, nearest first."""
        count = min(self.neighbours, len(self.vectors))
        rows = np.empty((len(vectors), count), dtype=np.int64)
        similarities = np.empty((len(vectors), count))
        for start in range(0, len(vectors), _QUERIES_AT_ONCE):
            end = start + _QUERIES_AT_ONCE
            all_similarities = vectors[start:end] @ self.vectors.T
            top_rows = np.argpartition(all_similarities, -count, axis=1)[:, -count:]
            top = np.take_along_axis(all_similarities, top_rows, axis=1)
            order = np.lexsort((top_rows, -top), axis=1)
            rows[start:end] = np.take_along_axis(top_rows, order, axis=1)
            similarities[start:end] = np.take_along_axis(top, order, axis=1)
        return rows, similarities
