"""The classifier that was trained together with an adapted encoder."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from features.encoding.encoded_reports import EncodedReports
from features.encoding.encoder import Vectors
from models.classification.scorers.scorer import Floats, Part


@dataclass(frozen=True)
class FineTunedHead:
    """A linear classifier on the vectors of an adapted encoder; both were trained together.

    `encoder` is the hash of the encoder's weights. `slopes` has shape (classes, dimension),
    `intercepts` has shape (classes,). Classes are numbered in the sorted order of their labels.

    >>> head = FineTunedHead("hashing", np.eye(2), np.zeros(2))
    >>> head.log_probabilities(np.array([[3.0, 0.0]], dtype=np.float32)).argmax()
    np.int64(0)
    """

    encoder: str
    slopes: Floats
    intercepts: Floats

    reads: ClassVar[tuple[Part, ...]] = ("vectors",)

    @property
    def classes(self) -> NDArray[np.int64]:
        """The numbers of the classes."""
        return np.arange(len(self.intercepts))

    def score(self, encoded: EncodedReports) -> Floats:
        """Return log probabilities of shape (reports, classes)."""
        return self.log_probabilities(encoded.adapted_vectors)

    def log_probabilities(self, vectors: Vectors) -> Floats:
        """Return log probabilities of shape (vectors, classes)."""
        return np.asarray(log_softmax(vectors @ self.slopes.T + self.intercepts, axis=1))

    def __str__(self) -> str:
        return f"classifier of the adapted encoder {self.encoder[:12]}"
