"""Turns a score into a conformal p-value: how unusual it is among the scores of known incidents."""

from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from models.base.parameters import Parameters

Floats = NDArray[np.float64]

_TAIL_FREEDOM = 4.0


class ConformalPValue(Parameters):
    """The p-value of "this score comes from the population of the calibration scores".

    For a new score of the same population, the p-value is at most `a` with a probability of about
    `a` (Vovk et al. 2005; Bates et al. 2023). Below the lowest of n calibration scores it would be
    1 / (n + 1) however low the score is; there a Student t tail with 4 degrees of freedom continues
    it, so that a small history can also call a report novel.

    >>> calibration = ConformalPValue().fit(np.arange(99.0))
    >>> calibration.transform(np.array([4.5, 98.0])).round(2).tolist()
    [0.06, 1.0]
    """

    def fit(self, scores: Floats) -> Self:
        """Learn from the scores of calibration incidents; at least two."""
        self.scores_ = np.sort(np.asarray(scores, dtype=np.float64))
        self.mean_, self.spread_ = float(self.scores_.mean()), float(self.scores_.std())
        return self

    def transform(self, scores: Floats) -> Floats:
        """Return the p-value of each score, in 0..1; a low score gives a low p-value."""
        below = np.searchsorted(self.scores_, scores, side="right")
        p_values = (1.0 + below) / (len(self.scores_) + 1.0)
        spread = self.spread_ or 1.0
        tail = stdtr(_TAIL_FREEDOM, (scores - self.mean_) / spread)
        return np.asarray(np.where(below == 0, np.minimum(p_values, tail), p_values))
