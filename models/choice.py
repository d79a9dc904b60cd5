"""The kind `choice`: one label out of several, such as a category or an assignment group."""

from collections.abc import Sequence

import numpy as np

from features.encoding.encoded import EncodedReports
from features.incident.report import IncidentReport
from models.calibrated import CalibratedModel, require_two_labels
from models.evidence import explain, nearest_exemplars
from models.expert_pool import CrossFit, ExpertPool, Floats
from models.folds import Fold, Rows
from models.prediction import Alternative, ChoicePrediction, Evidence, Exemplar, Prediction

_ALTERNATIVES = 4
_SET_COVERAGE = 0.9


class ChoiceModel(CalibratedModel):
    """Predicts one unordered label by a calibrated pool of experts.

    >>> from features.incident.report import Outcome, ResolvedIncident
    >>> past = [ResolvedIncident(IncidentReport(id=str(n), title=f"{word} {n}"), Outcome(word))
    ...         for n in range(20) for word in ("printer", "network")]
    >>> model = ChoiceModel(encoder="hashing").fit(past)
    >>> model.predict([IncidentReport(id="new", title="printer 99")])[0].label
    'printer'
    """

    def predict(self, reports: Sequence[IncidentReport]) -> list[Prediction]:
        """Return one `ChoicePrediction` per report, in order."""
        self._check_trained()
        if not reports:
            return []
        encoded = self._encode(reports)
        probabilities = self._probabilities(encoded)
        evidence = explain(
            self.pool_, reports, encoded, probabilities.argmax(axis=1), self._exemplars(encoded)
        )
        return [
            self._prediction(row, because)
            for row, because in zip(probabilities, evidence, strict=True)
        ]

    def _learn_classes(self, labels: Sequence[str]) -> None:
        require_two_labels(labels, self.target)
        self.classes_ = sorted(set(labels))

    def _fit_probabilities(
        self, encoded: EncodedReports, labels: Rows, folds: Sequence[Fold]
    ) -> CrossFit:
        self.pool_ = ExpertPool(classes=len(self.classes_), seed=self.seed)
        return self.pool_.fit(encoded, labels, folds).take_cross_fit()

    def _probabilities(self, encoded: EncodedReports) -> Floats:
        return self.pool_.predict_proba(encoded)

    def _exemplars(self, encoded: EncodedReports) -> list[tuple[Exemplar, ...]]:
        return nearest_exemplars(self.pool_, encoded, self.example_ids_, self._example_labels())

    def _prediction(self, probabilities: Floats, evidence: Evidence) -> ChoicePrediction:
        order = np.argsort(-probabilities, kind="stable")
        label, confidence = self.classes_[order[0]], float(probabilities[order[0]])
        likely = int(np.searchsorted(np.cumsum(probabilities[order]), _SET_COVERAGE)) + 1
        return ChoicePrediction(
            label=label,
            confidence=confidence,
            decision=self._decide(label, probabilities, confidence),
            alternatives=tuple(
                Alternative(self.classes_[number], float(probabilities[number]))
                for number in order[1 : 1 + _ALTERNATIVES]
            ),
            label_set=tuple(self.classes_[number] for number in order[:likely]),
            certificate=self.certification_.certificates.get(label),
            evidence=evidence,
        )
