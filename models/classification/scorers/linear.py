"""A linear classifier over views of reports."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.sparse import csr_array

from features.encoding.encoded_reports import EncodedReports
from features.encoding.views import FactIndicatorsView, TokenView, View
from models.classification.scorers.scorer import Floats, Part, Rows, two_sided


@dataclass(frozen=True, slots=True)
class LinearScorer:
    """The margins of a linear classifier.

    `slopes` has one array of shape (features, margins) for each view, `intercepts` shape
    (margins,). There is one margin for each class, or with two classes that of the second alone.
    """

    views: tuple[View, ...]
    slopes: tuple[Floats, ...]
    intercepts: Floats
    classes: Rows

    reads: ClassVar[tuple[Part, ...]] = ("text", "facts", "vectors")

    def score(self, encoded: EncodedReports) -> Floats:
        """Return margins of shape (reports, classes)."""
        return two_sided(self.margins(encoded))

    def margins(self, encoded: EncodedReports) -> Floats:
        """Return the margins of shape (reports, margins)."""
        total = np.tile(self.intercepts, (len(encoded), 1))
        for view, slopes in zip(self.views, self.slopes, strict=True):
            total += view.transform(encoded) @ slopes
        return total

    def token_view(self, part: str) -> tuple[TokenView, Floats]:
        """Return the view of one kind of counts, with its slopes."""
        for view, slopes in zip(self.views, self.slopes, strict=True):
            if isinstance(view, TokenView) and view.part == part:
                return view, slopes
        raise KeyError(part)

    def fact_names(self) -> tuple[str, ...]:
        """Return the names of the facts that are read."""
        views = (view for view in self.views if isinstance(view, FactIndicatorsView))
        return tuple(name for view in views for name in view.values.names)

    def contributions(self, part: str, encoded: EncodedReports, classes: Rows) -> csr_array:
        """Return what each token of a part adds to the margin of each report's class.

        `classes` has a class number for each report. The result has shape (reports, tokens); it is
        zero for a class without slopes. With two classes the signs are those of the second class.
        """
        view, slopes = self.token_view(part)
        features = view.transform(encoded)
        place = {int(number): row for row, number in enumerate(self.classes)}
        if slopes.shape[1] == 1:
            place = dict.fromkeys(classes.tolist(), 0)
        of_class = np.array([place.get(int(number), -1) for number in classes], dtype=np.int64)
        columns = np.repeat(of_class, np.diff(features.indptr))
        data = np.where(columns >= 0, features.data * slopes[features.indices, columns], 0.0)
        return csr_array((data, features.indices, features.indptr), features.shape)
