"""Boosted trees over facts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from features.encoding.encoded_reports import EncodedReports
from features.encoding.views import FactValuesView
from models.classification.scorers.scorer import Floats, Part, Rows, two_sided
from models.statistics.tree_table import TreeTable


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
