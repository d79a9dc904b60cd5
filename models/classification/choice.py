"""The kind `choice`: one label out of several, such as a category or an assignment group."""

from collections.abc import Sequence
from typing import ClassVar

from features.encoding.encoded_reports import EncodedReports
from models.classification.calibrated_model import CalibratedModel, require_two_labels
from models.classification.calibrated_predictor import CalibratedPredictor
from models.classification.choice_predictor import ChoicePredictor
from models.classification.learning.cross_fit import CrossFit
from models.classification.learning.cross_validation import Fold
from models.classification.learning.fit_expert_pool import fit_expert_pool
from models.classification.scorers.scorer import Rows


class ChoiceModel(ChoicePredictor, CalibratedModel):
    """Predicts one unordered label by a calibrated pool of experts.

    `adapted` is a further expert: a classifier and its encoder, both fine-tuned on the labels.

    >>> from features.domain.report import IncidentReport, Outcome, ResolvedIncident
    >>> past = [ResolvedIncident(IncidentReport(id=str(n), title=f"{word} {n}"), Outcome(word))
    ...         for n in range(20) for word in ("printer", "network")]
    >>> model = ChoiceModel(encoder="hashing").fit(past)
    >>> model.predict([IncidentReport(id="new", title="printer 99")])[0].label
    'printer'
    """

    answers_with: ClassVar[type[CalibratedPredictor]] = ChoicePredictor

    def _learn_classes(self, labels: Sequence[str]) -> None:
        require_two_labels(labels, self.target)
        self.classes_ = sorted(set(labels))

    def _fit_probabilities(
        self, encoded: EncodedReports, labels: Rows, folds: Sequence[Fold]
    ) -> CrossFit:
        fitted = fit_expert_pool(
            encoded,
            labels,
            folds,
            classes=len(self.classes_),
            seed=self.seed,
            adapted=self.adapted,
        )
        self.pool_, self.pipelines_[self.target] = fitted.pool, fitted.pipelines
        return fitted.cross_fit
