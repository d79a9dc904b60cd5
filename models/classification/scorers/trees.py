"""Boosted trees over facts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from features.encoding.encoded_reports import EncodedReports
from features.encoding.views import FactValuesView
from models.classification.scorers.scorer import Floats, Part, Rows, two_sided

_LEAF = -1


@dataclass(frozen=True, slots=True)
class TreeTable:
    """All nodes of all trees in one table.

    `features` has the feature that a node compares, -1 for a leaf; values up to the threshold go
    to node `left`, others to node `right`. `roots` has shape (iterations, outputs).
    """

    features: NDArray[np.int32]
    thresholds: Floats
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    values: Floats
    roots: NDArray[np.int32]

    def sum_values(self, inputs: Floats) -> Floats:
        """Return the sums of the trees' values, of shape (rows, outputs)."""
        rows = np.arange(len(inputs))[:, None, None]
        nodes = np.broadcast_to(self.roots, (len(inputs), *self.roots.shape)).copy()
        while (inner := self.features[nodes] != _LEAF).any():
            goes_left = inputs[rows, self.features[nodes]] <= self.thresholds[nodes]
            following = np.where(goes_left, self.left[nodes], self.right[nodes])
            nodes = np.where(inner, following, nodes)
        return np.asarray(self.values[nodes].sum(axis=1))


@dataclass(frozen=True, slots=True)
class TreeScorer:
    """The sums of boosted trees over each fact's smoothed shares of the classes.

    `rates` gives the shares of each value, for each column of `facts`; a value that was never seen
    has the shares `unseen`. `baseline` is added to the trees' sums. With two classes there is one
    share and one output, of the second class.
    """

    facts: FactValuesView
    rates: tuple[Mapping[str, Floats], ...]
    unseen: Floats
    trees: TreeTable
    baseline: Floats
    classes: Rows

    reads: ClassVar[tuple[Part, ...]] = ("facts",)

    def score(self, encoded: EncodedReports) -> Floats:
        """Return the trees' sums, of shape (reports, classes)."""
        return two_sided(self.trees.sum_values(self._inputs(encoded)) + self.baseline)

    def _inputs(self, encoded: EncodedReports) -> Floats:
        columns = [
            np.array([rates.get(value, self.unseen) for value in values])
            for values, rates in zip(self.facts.transform(encoded).T, self.rates, strict=True)
        ]
        return np.hstack(columns)
