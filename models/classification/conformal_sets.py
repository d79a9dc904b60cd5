"""Sets of labels that hold the right one as often as was asked for (conformal prediction)."""

import warnings
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from models.classification.cross_validation import Rows, one_of_each
from models.classification.log_linear_pool import Floats

with warnings.catch_warnings():  # crepes switches every user warning on when it is imported
    from crepes import ConformalClassifier


class LabelSets(BaseEstimator):  # type: ignore[misc]
    """Split-conformal sets of labels (Vovk, Gammerman and Shafer 2005), calibrated by class.

    A set holds the right label of a new report with probability `coverage`, and this among the
    reports of each class that has at least `fewest_own` groups of near-copies to calibrate on.
    The other classes are pooled, joined by the next smallest until they have as many together.
    One row of each group counts, for copies are not drawn independently. With `is_ordered` a set
    has no gap. A class is the stranger, the more probability the likelier ones have (Romano, Sesia
    and Candes 2020, without chance), so that a set grows where the model is unsure.

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
        kept = one_of_each(copies)
        labels = labels[kept]
        strangeness = _mass_above(probabilities[kept])[np.arange(len(labels)), labels]
        categories = self._categories(np.bincount(labels, minlength=probabilities.shape[1]))
        classifier = ConformalClassifier().fit(strangeness, bins=categories[labels])
        limits = {
            number: self._limit(classifier, strangeness[categories[labels] == number], number)
            for number in np.unique(categories)
        }
        self.limits_ = np.array([limits[number] for number in categories])
        return self

    def transform(self, probabilities: Floats, answers: Rows) -> NDArray[np.bool_]:
        """Return which classes each row's set holds; `answers` are in theirs whatever else is."""
        held = np.asarray(_mass_above(probabilities) <= self.limits_)
        held[np.arange(len(answers)), answers] = True
        if self.is_ordered:
            from_below = np.maximum.accumulate(held, axis=1)
            from_above = np.maximum.accumulate(held[:, ::-1], axis=1)[:, ::-1]
            held = from_below & from_above
        return held

    def _categories(self, sizes: Rows) -> Rows:
        """Return each class's Mondrian category: the smallest class's for all that are pooled."""
        rising = np.argsort(sizes, kind="stable")
        rare = int((sizes < self.fewest_own).sum())
        while 0 < rare < len(sizes) and sizes[rising[:rare]].sum() < self.fewest_own:
            rare += 1
        categories = np.arange(len(sizes))
        categories[rising[:rare]] = rising[0]
        return categories

    def _limit(self, classifier: ConformalClassifier, strangeness: Floats, category: int) -> float:
        """Return the greatest strangeness that a set still holds.

        The p-value falls only behind a calibrated score, so asking about these finds the limit
        once, where asking about every class of every prediction would take seconds.
        """
        asked = np.unique(np.append(strangeness, np.inf))
        held = classifier.predict_set(
            asked,
            bins=np.full(len(asked), category),
            confidence=self.coverage,
            smoothing=False,
        )
        return float(asked[held.astype(bool)].max())


def _mass_above(probabilities: Floats) -> Floats:
    """Return for each class the total probability of the likelier ones."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    falling = np.take_along_axis(probabilities, order, axis=1)
    above = np.zeros_like(probabilities)
    np.put_along_axis(above, order[:, 1:], np.cumsum(falling, axis=1)[:, :-1], axis=1)
    return above
