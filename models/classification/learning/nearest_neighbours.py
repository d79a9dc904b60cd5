"""A classifier by the votes of the nearest labelled past reports."""

from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from features.encoding.encoder import Vectors
from features.encoding.views import content_key
from models.classification.scorers.neighbours import NeighbourScorer
from models.classification.scorers.scorer import Floats, Rows

_SMOOTHING = 0.1


class NeighbourVotes(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Learns a `NeighbourScorer`, which has the method.

    `neighbours` and `sharpness` were chosen on the data of `tests/benchmarks`.

    >>> votes = NeighbourVotes(neighbours=1).fit(np.eye(2, dtype=np.float32), np.array([0, 1]))
    >>> votes.predict_proba(np.eye(2, dtype=np.float32)).argmax(axis=1).tolist()
    [0, 1]
    """

    def __init__(self, *, neighbours: int = 30, sharpness: float = 20.0) -> None:
        self.neighbours = neighbours
        self.sharpness = sharpness

    def fit(self, vectors: Vectors, labels: Rows) -> Self:
        """Store the labelled vectors."""
        self.classes_, places = np.unique(labels, return_inverse=True)
        counts = np.bincount(places) + _SMOOTHING
        self.scorer_ = NeighbourScorer(
            vectors,
            places,
            counts / counts.sum(),
            self.classes_,
            content_key("vectors", vectors),
            neighbours=self.neighbours,
            sharpness=self.sharpness,
        )
        return self

    def predict_proba(self, vectors: Vectors) -> Floats:
        """Return the shares of the votes, of shape (vectors, classes)."""
        return self.scorer_.probabilities(vectors)
