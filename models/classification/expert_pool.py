"""A pool of experts that scores reports, and combines the scores into probabilities."""

from collections.abc import Mapping

from features.encoding.encoded_reports import EncodedReports
from models.base.parameters import Parameters
from models.classification.log_linear_pool import LogLinearPool, TopCalibration
from models.classification.scorers.scorer import Floats, Scorer, expert_scores


class ExpertPool(Parameters):
    """Experts, their log-linear pool and the calibration of the likeliest class.

    `fit_expert_pool` learns it. Classes are numbered from 0 to `classes` - 1.
    """

    def __init__(
        self,
        *,
        classes: int,
        experts: Mapping[str, Scorer],
        pool: LogLinearPool,
        calibration: TopCalibration,
    ) -> None:
        self.classes = classes
        self.experts = experts
        self.pool = pool
        self.calibration = calibration

    def predict_proba(self, encoded: EncodedReports) -> Floats:
        """Return calibrated probabilities of shape (reports, classes)."""
        return self.combine(self.score(encoded))

    def score(self, encoded: EncodedReports) -> Floats:
        """Return the experts' scores, of shape (experts, reports, classes)."""
        return expert_scores(self.experts, encoded, self.classes)

    def combine(self, scores: Floats) -> Floats:
        """Return calibrated probabilities for scores of shape (experts, reports, classes)."""
        return self.calibration.transform(self.pool.predict_proba(scores))
