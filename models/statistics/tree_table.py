"""Boosted trees as plain arrays, which answer without scikit-learn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LEAF = -1


@dataclass(frozen=True, slots=True)
class TreeTable:
    """All nodes of all trees in one table.

    `features` has the feature that a node compares, -1 for a leaf; values up to the threshold go
    to node `left`, others to node `right`. `roots` has shape (iterations, outputs). Missing values
    are not supported.

    >>> split = np.array([0, -1, -1], dtype=np.int32)
    >>> table = TreeTable(split, np.array([0.5, 0, 0]), np.array([1, 0, 0]), np.array([2, 0, 0]),
    ...                   np.array([0.0, -1.0, 1.0]), np.array([[0]]))
    >>> table.sum_values(np.array([[0.2], [0.9]])).tolist()
    [[-1.0], [1.0]]
    """

    features: NDArray[np.int32]
    thresholds: Floats
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    values: Floats
    roots: NDArray[np.int32]

    @classmethod
    def of(cls, predictors: Sequence[Sequence[Any]]) -> Self:
        """Return the table of scikit-learn's trees: a list of outputs for each iteration."""
        nodes = [tree.nodes for iteration in predictors for tree in iteration]
        starts = np.cumsum([0, *(len(tree) for tree in nodes)])[:-1]
        shifts = np.repeat(starts, [len(tree) for tree in nodes])
        table = np.concatenate(nodes)
        is_leaf = table["is_leaf"].astype(bool)
        return cls(
            features=np.where(is_leaf, _LEAF, table["feature_idx"]).astype(np.int32),
            thresholds=table["num_threshold"].astype(np.float64),
            left=(table["left"] + shifts).astype(np.int32),
            right=(table["right"] + shifts).astype(np.int32),
            values=table["value"].astype(np.float64),
            roots=starts.reshape(len(predictors), -1).astype(np.int32),
        )

    def sum_values(self, inputs: Floats) -> Floats:
        """Return the sums of the trees' values, of shape (rows, outputs)."""
        rows = np.arange(len(inputs))[:, None, None]
        nodes = np.broadcast_to(self.roots, (len(inputs), *self.roots.shape)).copy()
        while (inner := self.features[nodes] != _LEAF).any():
            goes_left = inputs[rows, self.features[nodes]] <= self.thresholds[nodes]
            following = np.where(goes_left, self.left[nodes], self.right[nodes])
            nodes = np.where(inner, following, nodes)
        return np.asarray(self.values[nodes].sum(axis=1))
