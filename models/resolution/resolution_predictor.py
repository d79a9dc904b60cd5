"""What answers how long an incident will take, without scikit-learn."""

from collections.abc import Sequence

import numpy as np

from features.domain.opening_context import OpeningContext
from features.domain.report import IncidentReport
from features.errors import NotTrained
from features.text.tokens import plain_name
from models.base.predictions import ResolutionPrediction
from models.base.report_model import ReportPredictor
from models.resolution.boosted_scores import BoostedScores, Risk
from models.resolution.conformal_levels import ConformalLevels
from models.resolution.context_features import ContextFeatures
from models.resolution.observations import Floats
from models.resolution.survival_curves import SurvivalCurves

TARGET = "resolution"
TIMES, BREACH, REASSIGNMENT = "times", "breach", "reassignment"
"""The parts of an answer."""

_SEVERITY_NAMES = ("severity", "priority")


class ResolutionPredictor(ReportPredictor):
    """Answers with the hours to resolve and the risks of an incident; `ResolutionModel` learns it.

    What a history did not tell is None: the hours without times, the risk of a breach without
    target times, and the risk of a reassignment without a record of reassignments. `unknown_` says
    why, by part.
    """

    features_: ContextFeatures
    edges_: Floats
    hazards_: BoostedScores | None
    levels_: ConformalLevels
    breach_: Risk | None
    reassignment_: Risk | None
    unknown_: dict[str, str]
    target_hours_: dict[str, float]

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed

    def predict(self, reports: Sequence[IncidentReport]) -> list[ResolutionPrediction]:
        """Return one prediction per report, in order, as if nothing else were known."""
        return self.forecast([OpeningContext(report) for report in reports])

    def forecast(self, contexts: Sequence[OpeningContext]) -> list[ResolutionPrediction]:
        """Return one prediction per context, in order; raises `NotTrained` before `fit`."""
        self._check_trained()
        if not contexts:
            return []
        features = self.features_.transform(contexts)
        columns = [
            *self._quantiles(features),
            _probabilities(self.breach_, features),
            _probabilities(self.reassignment_, features),
        ]
        return [
            ResolutionPrediction(*map(_known, values), self._target_hours(context.report))
            for context, *values in zip(contexts, *columns, strict=True)
        ]

    def curves(self, features: Floats) -> SurvivalCurves:
        """Return the distribution of the hours to resolve of each row of features."""
        if self.hazards_ is None:
            raise NotTrained(f"the model of {TARGET} has learned no times")
        return hazard_curves(self.hazards_, self.edges_, features)

    def _quantiles(self, features: Floats) -> list[Floats]:
        if self.hazards_ is None:
            return [np.full(len(features), np.nan)] * 3
        curves, levels = self.curves(features), self.levels_
        return [curves.hours_at(level) for level in (levels.median, levels.lower, levels.upper)]

    def _target_hours(self, report: IncidentReport) -> float | None:
        """Return the target time of the severity that a report states, the shortest of several."""
        if self.breach_ is None:
            return None
        hours = [
            self.target_hours_[value]
            for name, value in report.attributes.items()
            if plain_name(name).endswith(_SEVERITY_NAMES) and value in self.target_hours_
        ]
        return min(hours, default=None)

    def _check_trained(self) -> None:
        if not hasattr(self, "features_"):
            raise NotTrained(f"the model of {TARGET} has not been fitted; call fit first")


def hazard_curves(hazards: BoostedScores, edges: Floats, features: Floats) -> SurvivalCurves:
    """Return the distributions that follow from hazards; the period is their last feature."""
    count, periods = len(features), len(edges)
    inputs = np.column_stack(
        [np.repeat(features, periods, axis=0), np.tile(np.arange(periods), count)]
    )
    return SurvivalCurves.of_hazards(edges, hazards.score(inputs).reshape(count, periods))


def _probabilities(risk: Risk | None, features: Floats) -> Floats:
    return np.full(len(features), np.nan) if risk is None else risk.probability(features)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
