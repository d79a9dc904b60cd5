"""Recognises answers whose probability is spread over many labels, as for kinds never learned."""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.base.parameters import Parameters

Floats = NDArray[np.float64]

_CONFIDENT = 0.5
_USUAL_SHARE = 0.95


class ResidualProbability(Parameters):
    """Compares the probability beyond the two likeliest labels with that of held-out incidents.

    An incident between two known labels leaves little probability to the others. An incident of a
    kind that was never learned leaves more, at the same confidence. The largest usual value is that
    of 95% of the held-out incidents with a confidence of at least one half; labels are not used.

    >>> rows = np.array([[0.9, 0.08, 0.02], [0.8, 0.19, 0.01], [0.7, 0.15, 0.15]])
    >>> ResidualProbability().fit(rows[:2]).is_usual(rows[1:]).tolist()
    [True, False]
    """

    def fit(self, probabilities: Floats) -> Self:
        """Learn from held-out probabilities of shape (incidents, labels)."""
        is_confident = probabilities.max(axis=1, initial=0.0) >= _CONFIDENT
        residual = _residual(probabilities[is_confident])
        self.largest_ = float(np.quantile(residual, _USUAL_SHARE)) if len(residual) else 1.0
        return self

    def is_usual(self, probabilities: Floats) -> NDArray[np.bool_]:
        """Tell for each row whether its probability beyond the two likeliest labels is usual."""
        return np.asarray(_residual(probabilities) <= self.largest_)


def _residual(probabilities: Floats) -> Floats:
    return np.asarray(np.sort(probabilities, axis=1)[:, :-2].sum(axis=1))
