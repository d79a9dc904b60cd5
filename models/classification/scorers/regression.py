"""A logistic regression with probabilities drawn towards the shares of the labels."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import expit, softmax

from features.encoding.encoded_reports import EncodedReports
from models.classification.scorers.linear import LinearScorer
from models.classification.scorers.scorer import Floats, Part, Rows, log_scores


@dataclass(frozen=True, slots=True)
class RegressionScorer:
    """The log probabilities of a smoothed regression (see `SmoothedRegression`).

    `linear` is None if there is a single class. `trust` is the weight of the learned probabilities
    beside the labels' `shares`.
    """

    linear: LinearScorer | None
    shares: Floats
    trust: float
    classes: Rows

    reads: ClassVar[tuple[Part, ...]] = ("text", "facts", "vectors")

    def score(self, encoded: EncodedReports) -> Floats:
        """Return log probabilities of shape (reports, classes)."""
        shares = np.tile(self.shares, (len(encoded), 1))
        if self.linear is None:
            return log_scores(shares)
        margins = self.linear.margins(encoded)
        if margins.shape[1] > 1:
            learned = softmax(margins, axis=1)
        else:
            second = expit(margins)
            learned = np.hstack([1 - second, second])
        return log_scores(self.trust * learned + (1 - self.trust) * shares)
