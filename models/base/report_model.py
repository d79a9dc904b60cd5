"""The contracts of what answers reports, and of the models that learn to."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

from features.domain.report import IncidentReport, ResolvedIncident
from models.base.parameters import Parameters
from models.base.predictions import Prediction


class ReportPredictor(Parameters, ABC):
    """Answers reports; the part of a model that serves, which needs no scikit-learn."""

    @abstractmethod
    def predict(self, reports: Sequence[IncidentReport]) -> Sequence[Prediction]:
        """Return one prediction per report, in order; raises `NotTrained` before training."""

    def rehearse(self, reports: Sequence[IncidentReport]) -> Sequence[Prediction]:
        """Return predictions for synthetic reports; a saved and loaded model must give the same."""
        return self.predict(reports)


class ReportModel(ReportPredictor):
    """A model that learns from resolved incidents and predicts for new reports.

    It follows scikit-learn's conventions: the constructor only stores its keyword arguments,
    learned attributes end in `_`, `fit` discards what was learned before, and a fixed seed makes
    results repeatable.
    """

    @abstractmethod
    def fit(self, examples: Sequence[ResolvedIncident]) -> Self:
        """Learn from past incidents; raises `NotEnoughHistory` if nothing can be learned."""

    def predictor(self) -> ReportPredictor:
        """Return the part of the fitted model that serves; its answers are those of the model."""
        return self
