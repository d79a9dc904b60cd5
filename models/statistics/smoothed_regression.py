"""A logistic regression that few rows suffice for."""

import warnings
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

Floats = NDArray[np.float64]


class SmoothedRegression(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A logistic regression with probabilities drawn towards the shares of the labels.

    The shares count as much as `prior_rows` further rows. With a single label, its probability
    is 1.

    >>> model = SmoothedRegression().fit(np.array([[0.0], [1.0]] * 20), np.array([3, 5] * 20))
    >>> model.predict_proba(np.array([[1.0]])).round(1).tolist()
    [[0.2, 0.8]]
    """

    def __init__(self, *, prior_rows: float = 10.0) -> None:
        self.prior_rows = prior_rows

    def fit(self, features: Floats, labels: NDArray[np.int64]) -> Self:
        """Learn from rows of features, dense or sparse."""
        self.classes_, counts = np.unique(labels, return_counts=True)
        self.shares_ = counts / len(labels)
        self.trust_ = len(labels) / (len(labels) + self.prior_rows)
        self.regression_ = None
        if len(counts) > 1:
            with warnings.catch_warnings():
                # With few rows there are many labels among them; that is intended.
                warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
                self.regression_ = LogisticRegression(C=3, tol=1e-3).fit(features, labels)
        return self

    def predict_proba(self, features: Floats) -> Floats:
        """Return probabilities of shape (rows, classes)."""
        shares = np.tile(self.shares_, (features.shape[0], 1))
        if self.regression_ is None:
            return shares
        learned = self.regression_.predict_proba(features)
        return np.asarray(self.trust_ * learned + (1 - self.trust_) * shares)
