"""Experts of what came since a moment, mixed with a model of all the past."""

from collections.abc import Mapping

import numpy as np
from scipy.special import softmax

from features.encoding.encoded_reports import EncodedReports
from models.base.parameters import Parameters
from models.classification.scorers.scorer import Floats, Scorer, expert_scores

_LENGTH_OF_DATE = len("since 2026-03-02")


class RecentPast(Parameters):
    """Experts of what came since several moments, and their weights beside the model of all.

    `fit_recent_past` learns it, and has the method. `experts` are named by the moments.
    `weights` begins with the weight of the model of all the past. `losses` are the mean log losses
    of held-out incidents without and with the experts.
    """

    def __init__(
        self,
        *,
        classes: int,
        experts: Mapping[str, Scorer],
        weights: Floats,
        losses: tuple[float, float],
    ) -> None:
        self.classes = classes
        self.experts = experts
        self.weights = weights
        self.losses = losses

    def describe(self) -> str:
        """Return which past counts how much, and what it gained on held-out incidents."""
        shares = [
            f"{weight:.0%} by an expert of the incidents {name[:_LENGTH_OF_DATE]}"
            for name, weight in zip(self.experts, self.weights[1:], strict=True)
        ]
        before, after = self.losses
        return (
            f"of each answer, {self.weights[0]:.0%} is by a model of all the past and "
            f"{', '.join(shares)}: the log loss of held-out incidents is {after:.3f} instead of "
            f"{before:.3f}"
        )

    def score(self, encoded: EncodedReports) -> Floats:
        """Return the experts' scores, of shape (experts, reports, classes)."""
        return expert_scores(self.experts, encoded, self.classes)

    def mix(self, probabilities: Floats, scores: Floats) -> Floats:
        """Return the mixture of the probabilities by all the past and the experts' scores."""
        members = np.concatenate([probabilities[None], softmax(scores, axis=2)])
        return np.asarray(np.tensordot(self.weights, members, 1))
