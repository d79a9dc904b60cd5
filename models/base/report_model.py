"""The contract of every model that reads reports."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

from sklearn.base import BaseEstimator

from features.domain.report import IncidentReport, ResolvedIncident
from models.base.predictions import Prediction


class ReportModel(BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn is untyped
    """A model that learns from resolved incidents and answers about new reports.

    It follows scikit-learn's conventions: the constructor takes only keywords and assigns them,
    learned attributes end in `_`, `fit` forgets what was learned before, and a fixed seed makes
    results repeatable.
    """

    @abstractmethod
    def fit(self, examples: Sequence[ResolvedIncident]) -> Self:
        """Learn from past incidents; raises `NotEnoughHistory` if nothing can be learned."""

    @abstractmethod
    def predict(self, reports: Sequence[IncidentReport]) -> Sequence[Prediction]:
        """Answer each report, in order; raises `NotTrained` before `fit`."""

    def rehearse(self, reports: Sequence[IncidentReport]) -> Sequence[Prediction]:
        """Answer synthetic reports, to compare a loaded model with the model that was saved."""
        return self.predict(reports)
