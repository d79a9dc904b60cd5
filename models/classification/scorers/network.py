"""A network with one hidden layer over latent topics and sentence vectors."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from scipy.special import expit, softmax

from features.encoding.encoded_reports import EncodedReports
from features.encoding.views import TokenView
from models.classification.scorers.scorer import Floats, Part, Rows, log_scores


@dataclass(frozen=True, slots=True)
class NetworkScorer:
    """The log probabilities of a network with one hidden layer of rectified linear units.

    `topics` has shape (tokens, topics); a report's topics are scaled to unit length, joined with
    its sentence vector, shifted by `means` and divided by `scales`. `weights` and `biases` are
    those of the hidden layer and of the output layer. With two classes there is one output, of the
    second class. `key` is equal for equal topics, which are computed once for a batch.
    """

    words: TokenView
    topics: Floats
    means: Floats
    scales: Floats
    weights: tuple[Floats, Floats]
    biases: tuple[Floats, Floats]
    classes: Rows
    key: str

    reads: ClassVar[tuple[Part, ...]] = ("text", "vectors")

    def score(self, encoded: EncodedReports) -> Floats:
        """Return log probabilities of shape (reports, classes)."""
        inputs = np.hstack(
            [encoded.once(self.key, partial(self._topics_of, encoded)), encoded.vectors]
        )
        # Single precision throughout, as in the network that was trained.
        inputs -= self.means
        inputs /= self.scales
        hidden = np.maximum(inputs @ self.weights[0] + self.biases[0], 0)
        output = hidden @ self.weights[1] + self.biases[1]
        if output.shape[1] > 1:
            return log_scores(softmax(output, axis=1).astype(np.float64))
        second = expit(output)
        return log_scores(np.hstack([1 - second, second]).astype(np.float64))

    def _topics_of(self, encoded: EncodedReports) -> Floats:
        topics = np.asarray(self.words.transform(encoded) @ self.topics)
        lengths = np.sqrt(np.einsum("ij,ij->i", topics, topics))[:, None]
        return np.asarray(topics / np.where(lengths > 0, lengths, 1))
