"""What answers how long an incident will take, without scikit-learn."""

from collections.abc import Sequence

import numpy as np

from features.domain.opening_context import OpeningContext
from features.domain.report import IncidentReport
from features.errors import NotTrained
from features.text.tokens import plain_name
from models.base.predictions import ResolutionPrediction
from models.base.report_model import ReportPredictor
from models.resolution.boosted_scores import BoostedScores, Risk, hazard_curves
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
        curves = self._curves(features)
        columns = np.column_stack(
            [
                *self._quantiles(curves, len(features)),
                self._risk(BREACH, self.breach_, features, curves),
                self._risk(REASSIGNMENT, self.reassignment_, features, curves),
            ]
        )
        return [
            self._prediction(context.report, *(_known(value) for value in row))
            for context, row in zip(contexts, columns.tolist(), strict=True)
        ]

    def _prediction(self, report: IncidentReport, *values: float | None) -> ResolutionPrediction:
        median, lower, upper, breach, reassignment = values
        target = self._target_hours(report)
        return ResolutionPrediction(median, lower, upper, breach, reassignment, target)

    def _curves(self, features: Floats) -> SurvivalCurves | None:
        if self.hazards_ is None:
            return None
        return hazard_curves(self.hazards_, self.edges_, features)

    def _quantiles(self, curves: SurvivalCurves | None, count: int) -> list[Floats]:
        if curves is None or TIMES in self.unknown_:
            return [np.full(count, np.nan)] * 3
        levels = (self.levels_.median, self.levels_.lower, self.levels_.upper)
        return [curves.hours_at(level) for level in levels]

    def _risk(
        self, name: str, risk: Risk | None, features: Floats, curves: SurvivalCurves | None
    ) -> Floats:
        if risk is None or name in self.unknown_:
            return np.full(len(features), np.nan)
        return risk.probability(features, curves)

    def _target_hours(self, report: IncidentReport) -> float | None:
        """Return the target time of the severity that a report states, the shortest of several."""
        if BREACH in self.unknown_:
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


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
