"""Conformal prediction: sets of labels that contain the correct label with a chosen probability."""

import warnings
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from models.base.parameters import Parameters
from models.classification.learning.cross_validation import Rows, one_of_each
from models.classification.log_linear_pool import Floats

if TYPE_CHECKING:
    from crepes import ConformalClassifier


class LabelSets(Parameters):
    """Split-conformal sets of labels (Vovk, Gammerman and Shafer 2005), calibrated by class.

    A set contains the correct label of a new report with a probability of at least `coverage`. A
    class with at least `fewest_own` groups of near-copies is calibrated by itself; the probability
    is then at least `coverage` also among the reports of this class. Classes with fewer groups are
    pooled. While the pool has fewer than `fewest_own` groups, the smallest remaining class joins
    it. Only one row of each group is used, because near-copies are not independent. If
    `is_ordered`, a set contains all levels between its lowest level and its highest level.

    The nonconformity of a class is the total probability of the likelier classes (Romano, Sesia and
    Candes 2020, without randomisation), so a set is larger where the model is unsure.

    >>> probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]] * 50)
    >>> sets = LabelSets().fit(probabilities, probabilities.argmax(axis=1), np.arange(150))
    >>> sets.transform(np.array([[0.95, 0.05], [0.5, 0.5]]), np.array([0, 0])).tolist()
    [[True, False], [True, False]]
    """

    def __init__(
        self, *, coverage: float = 0.9, fewest_own: int = 50, is_ordered: bool = False
    ) -> None:
        self.coverage = coverage
        self.fewest_own = fewest_own
        self.is_ordered = is_ordered

    def fit(self, probabilities: Floats, labels: Rows, copies: Rows) -> Self:
        """Learn from held-out probabilities of shape (rows, classes).

        `copies` numbers each row's near-copy group.
        """
        rows = one_of_each(copies)
        labels = labels[rows]
        nonconformity = _mass_above(probabilities[rows])[np.arange(len(labels)), labels]
        categories = self._categories(np.bincount(labels, minlength=probabilities.shape[1]))
        with warnings.catch_warnings():  # importing crepes enables all user warnings
            # Imported here because only fitting needs it.
            from crepes import ConformalClassifier
        classifier = ConformalClassifier().fit(nonconformity, bins=categories[labels])
        limits = {
            number: self._limit(classifier, nonconformity[categories[labels] == number], number)
            for number in np.unique(categories)
        }
        self.limits_ = np.array([limits[number] for number in categories])
        return self

    def transform(self, probabilities: Floats, answers: Rows) -> NDArray[np.bool_]:
        """Return which classes each row's set contains, of shape (rows, classes).

        `answers` are the predicted classes; a set always contains the predicted class.
        """
        is_in_set = np.asarray(_mass_above(probabilities) <= self.limits_)
        is_in_set[np.arange(len(answers)), answers] = True
        if self.is_ordered:
            from_below = np.maximum.accumulate(is_in_set, axis=1)
            from_above = np.maximum.accumulate(is_in_set[:, ::-1], axis=1)[:, ::-1]
            is_in_set = from_below & from_above
        return is_in_set

    def _categories(self, sizes: Rows) -> Rows:
        """Return each class's Mondrian category; all pooled classes have the same category."""
        by_size = np.argsort(sizes, kind="stable")
        pooled = int((sizes < self.fewest_own).sum())
        while 0 < pooled < len(sizes) and sizes[by_size[:pooled]].sum() < self.fewest_own:
            pooled += 1
        categories = np.arange(len(sizes))
        categories[by_size[:pooled]] = by_size[0]
        return categories

    def _limit(self, classifier: "ConformalClassifier", scores: Floats, category: int) -> float:
        """Return the greatest nonconformity with which a class of the category is in a set.

        The p-value changes only at the calibration `scores`, so it is enough to test these, once,
        when fitting. Testing every class of every prediction would take seconds.
        """
        candidates = np.unique(np.append(scores, np.inf))
        is_in_set = classifier.predict_set(
            candidates,
            bins=np.full(len(candidates), category),
            confidence=self.coverage,
            smoothing=False,
        )
        return float(candidates[is_in_set.astype(bool)].max())


def _mass_above(probabilities: Floats) -> Floats:
    """Return for each class the total probability of the likelier classes."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    falling = np.take_along_axis(probabilities, order, axis=1)
    above = np.zeros_like(probabilities)
    np.put_along_axis(above, order[:, 1:], np.cumsum(falling, axis=1)[:, :-1], axis=1)
    return above
