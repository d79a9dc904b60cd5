"""The contract of every model that reads reports."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

from sklearn.base import BaseEstimator

from features.domain.report import IncidentReport, ResolvedIncident
from models.base.predictions import Prediction


class ReportModel(BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn is untyped
    """A model that learns from resolved incidents and answers about new reports.

    The manners are scikit-learn's: the constructor takes keywords only and assigns them, learned
    attributes end in `_`, `fit` forgets what was learned before, and a seed makes it repeatable.
    """

    @abstractmethod
    def fit(self, examples: Sequence[ResolvedIncident]) -> Self:
        """Learn from past incidents; raises `NotEnoughHistory` when there is nothing to learn."""

    @abstractmethod
    def predict(self, reports: Sequence[IncidentReport]) -> Sequence[Prediction]:
        """Answer each report, in order; raises `NotTrained` before `fit`."""

    def rehearse(self, reports: Sequence[IncidentReport]) -> Sequence[Prediction]:
        """Answer synthetic reports so that a saved model can be compared with the loaded one."""
        return self.predict(reports)
