"""The contract of every model that reads reports."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

from sklearn.base import BaseEstimator

from features.domain.report import IncidentReport, ResolvedIncident
from models.base.predictions import Prediction


class ReportModel(BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn is untyped
    """A model that learns from resolved incidents and predicts for new reports.

    It follows scikit-learn's conventions: the constructor only stores its keyword arguments,
    learned attributes end in `_`, `fit` discards what was learned before, and a fixed seed makes
    results repeatable.
    """

    @abstractmethod
    def fit(self, examples: Sequence[ResolvedIncident]) -> Self:
        """Learn from past incidents; raises `NotEnoughHistory` if nothing can be learned."""

    @abstractmethod
    def predict(self, reports: Sequence[IncidentReport]) -> Sequence[Prediction]:
        """Return one prediction per report, in order; raises `NotTrained` before `fit`."""

    def rehearse(self, reports: Sequence[IncidentReport]) -> Sequence[Prediction]:
        """Return predictions for synthetic reports; a saved and loaded model must give the same."""
        return self.predict(reports)
