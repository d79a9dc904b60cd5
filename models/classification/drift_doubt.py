"""How far a model's confidence is lowered after a drift."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DriftDoubt:
    """How much of each probability a drift leaves in doubt.

    The share `doubt` (0..1) of all probability is spread evenly over the classes. This lowers the
    confidence of the likely classes and keeps the order of the classes. If `abstains`, no such
    share is enough, and every answer abstains. `statement` says in words what was found.

    >>> DriftDoubt(0.1).widen(np.array([[0.9, 0.1]])).round(2).tolist()
    [[0.86, 0.14]]
    """

    doubt: float = 0.0
    abstains: bool = False
    statement: str = ""

    def widen(self, probabilities: Floats) -> Floats:
        """Return probabilities of shape (reports, classes) with the doubt spread over them."""
        even = np.full(probabilities.shape, 1 / probabilities.shape[1])
        return np.asarray((1 - self.doubt) * probabilities + self.doubt * even)
